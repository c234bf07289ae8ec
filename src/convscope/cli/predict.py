"""`convscope predict`: class and probability of each image."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.watching import Watcher
from convscope.errors import DataError, UsageError

MOST_FAINT = 10
"""Images of which is said that they show hardly anything; of all of them, in JSON."""


def predict(
    run: Path,
    images: Annotated[list[str], Parameter(allow_leading_hyphen=True)],
    /,
    *,
    checkpoint: str = "final",
    max_pixels: int | None = None,
    json: bool = False,
    csv: bool = False,
    top: WholeNumber | None = None,
    sets: float | None = None,
    risk: float | None = None,
    coverage: float | None = None,
) -> int:
    """Class and probability of each image.

    Parameters
    ----------
    run
        A run, or a folder that a classifier was saved to.
    images
        Image files, folders of them, or - for a list of paths on standard input.
    checkpoint
        final, last, best, untrained, or a step.
    max_pixels
        Files whose header announces more pixels are left out; as in training unless given.
    json
        Print one JSON document on stdout.
    csv
        Print comma-separated values on stdout.
    top
        So many of the likeliest classes; 5 for one image, and one of each, or two where it is not sure, for
        several.
    sets
        Also the classes of which one is right with this chance, as 0.95, for images like those held out.
    risk
        Leave images unanswered so that at most this share of the answers is wrong, with 95 % confidence.
    coverage
        Answer this share of the images, those that it is surest of, and leave the others unanswered.
    """
    if json and csv:
        raise UsageError("--json and --csv both say how to print; give one of them")
    table = next((name for name in images if name.endswith(".csv")), None)
    if csv and table is not None and not Path(table).exists():
        raise UsageError(f"--csv prints the table, and takes no file: leave {table} out, and add > {table}")
    if top is not None and top < 1:
        raise UsageError(f"--top: {top} must be at least 1")
    paths = list(_paths(images))
    if not paths:
        raise DataError(f"no path in {', '.join(images)}")
    with Watcher(log_console()):
        from convscope.classifier.held_out.alarms import too_few
        from convscope.face.asking import predict as predicted

        answers = predicted(
            run,
            paths,
            checkpoint=checkpoint,
            max_pixels=max_pixels,
            sets=sets,
            risk=risk,
            coverage=coverage,
        )
    if json:
        print_json(answers.document(str(run)))
    elif csv:
        sys.stdout.write(answers.to_csv())
    else:
        from convscope.cli.predictions import print_predictions

        print_predictions(result_console(), answers, top)
    known = answers.rests_on
    if known is not None and (why := too_few(len(known.unlikeness))):
        log_console().print(f"unknown images: {why}")
    for line in answers.keeping.said if answers.keeping is not None else ():
        log_console().print(line)
    for each in [answer for answer in answers if answer.faint][:MOST_FAINT]:
        log_console().print(f"{each.path} shows hardly anything ({each.faint}): the answer means little")
    if not answers and len(answers.left_out) == 1:
        raise DataError(f"{answers.left_out[0].path} is no image: {answers.left_out[0].reason}")
    for left_out in answers.left_out:
        log_console().print(f"left out: {left_out.path} ({left_out.reason})", style="yellow")
    if not answers:
        raise DataError(f"none of {len(answers.left_out):,} is an image")
    return 0


def _paths(images: list[str]) -> Iterator[Path]:
    for name in images:
        if name == "-":
            yield from (Path(line.rstrip("\r\n")) for line in sys.stdin if line.strip())
        elif Path(name).exists() or Path(name).is_symlink():
            yield Path(name)
        elif name.startswith("-"):
            raise UsageError(f"{name} is neither an option nor a file. See: convscope predict --help")
        else:
            raise DataError(f"{name} does not exist")
