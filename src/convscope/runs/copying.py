"""A run copied as it is: it appears whole or not at all."""

import shutil
from contextlib import suppress
from pathlib import Path

from convscope.errors import RunError
from convscope.runs.atomic import PREFIX
from convscope.runs.folder import Run
from convscope.wording import here


def copy_run(run: Run, place: Path) -> Run:
    """Copy a run to `place`, where nothing is yet.

    Raises:
        RunError: when the disk refuses.
    """
    beside = place.with_name(PREFIX + place.name)
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(beside)
        shutil.copytree(run.path, beside)
        beside.rename(place)
    except OSError as error:
        raise RunError(f"{here(place)} cannot be made: {error.strerror or error}") from error
    return Run(place)
