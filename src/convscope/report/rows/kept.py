"""Keeping a row's pictures beside its runs."""

from pathlib import Path

from convscope.errors import RunError
from convscope.report.rows.plates import Kept, plates
from convscope.runs import atomic
from convscope.wording import here

FOLDER = "pictures"


def keep_plates(experiment: str, kept: Kept) -> list[Path]:
    """Draw an experiment's pictures into `<experiment>/pictures/` beside its runs; earlier ones are replaced.

    Returns:
        The files; none for an experiment that has no picture.

    Raises:
        RunError: when the disk refuses, or a run is damaged.
    """
    folder = kept.reproductions / experiment / FOLDER
    written = []
    for plate in plates(experiment, kept):
        path = folder / plate.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic.write_file(path, plate.content)
        except OSError as error:
            raise RunError(f"{here(path)} could not be written: {error.strerror or error}") from error
        written.append(path)
    return written
