"""The pictures of docs/, drawn from a run on the digits.

convscope train digits; python scripts/docs_pictures.py runs/digits-two-conv-1 docs/pictures
"""

import sys
from pathlib import Path

import convscope as cs


def main() -> None:
    run, folder = cs.FinishedRun(Path(sys.argv[1])), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    look = cs.look(run)
    run.curve("accuracy").save(folder / "accuracy.svg")
    look.filters().save(folder / "filters.svg")
    look.maps().save(folder / "maps.svg")


if __name__ == "__main__":
    main()
