"""Where a command writes its picture: a place that is asked for, or one that is free."""

import itertools
import os
from pathlib import Path

from convscope.errors import UsageError


def check_picture(path: Path | None) -> None:
    """Refuse a place for a picture that cannot be one, before anything is measured for it."""
    if path is None:
        return
    if path.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--picture: '{path}' is neither a .png nor a .svg")
    if path.is_dir():
        raise UsageError(f"--picture: '{path}' is a folder; name a file in it")


def free_place(name: str, kind: str) -> Path:
    """`photos-samples.png`, or with a number where that is taken: no picture is overwritten unasked."""
    stem = name.replace("/", "-").replace(":", "-")
    later = (f"-{number}" for number in itertools.count(2))
    places = (Path(f"{stem}{number}-{kind}.png") for number in itertools.chain([""], later))
    return next(place for place in places if not os.path.lexists(place))
