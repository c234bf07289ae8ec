"""Draw the pictures of docs/reference-experiments.md from the runs that `convscope reproduce` left.

python scripts/reference_pictures.py runs/reproduce [EXPERIMENT…]
"""

import sys
from pathlib import Path

from convscope.report.rows.plates import PICTURES, Kept, plates
from convscope.trials.cards.card import newest, readable_cards

REPOSITORY = Path(__file__).parent.parent
FOLDER = REPOSITORY / "docs" / "reference"
RESULTS = REPOSITORY / "experiments" / "results"


def main(reproductions: Path, names: list[str]) -> None:
    """Write what can be drawn; pictures of runs that are not here stay as they are."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or list(PICTURES):
        card = newest([card for _, card in readable_cards(RESULTS / name)[0] if card.is_whole])
        kept = Kept(reproductions=reproductions, details=card.details if card else {})
        for plate in plates(name, kept):
            (FOLDER / plate.name).write_bytes(plate.content)
            print(f"{plate.name}  {len(plate.content) / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/reproduce"), sys.argv[2:])
