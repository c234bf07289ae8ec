"""How far what a look foretells lies from what it takes, question by question, in CPU seconds of one thread.

    OMP_NUM_THREADS=1 python benchmarks/look_times.py RUN

From its table are the constants of `convscope.looking.foretelling`.
"""

import sys
import time
from pathlib import Path

import convscope.looking.asking as asking
from convscope.looking.foretelling import measure_pace
from convscope.looking.plan import make_plan
from convscope.looking.subject import open_subject
from convscope.report.pictures.drawing import answers_to


def main(run: Path) -> None:
    """Ask every question, and put foretold beside measured."""
    subject = open_subject(run, "final")
    asking.measure_pace = lambda subject, plan: measure_pace(subject, plan, time.process_time)
    look = asking._Asking(subject, asking.Request(), make_plan(subject), [])
    foretold = dict(zip(look.questions, look.foretold(list(look.questions)), strict=True))
    total = {"foretold": 0.0, "measured": 0.0}
    print(f"{'question':12}{'foretold':>10}{'measured':>10}{'ratio':>8}")
    for about, question in look.questions.items():
        begun = time.process_time()
        try:
            drawn = [answer.picture.svg for seen in question() for answer in answers_to(subject, seen)]
        except asking.ConvscopeError:
            continue  # what this network has no answer to
        measured = time.process_time() - begun
        total["foretold"] += foretold[about]
        total["measured"] += measured
        print(
            f"{about:12}{foretold[about]:10.2f}{measured:10.2f}{foretold[about] / measured:8.2f}", len(drawn)
        )
    print(f"{'all':12}{total['foretold']:10.2f}{total['measured']:10.2f}", end="")
    print(f"{total['foretold'] / total['measured']:8.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
