"""What a run's messages say about the next step, and about a disk that refuses."""

import errno
from pathlib import Path

from convscope.errors import FULL
from convscope.wording import command, here

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def resume_command(run: Path) -> str:
    """What to type to go on with a run; with the whole run where it is one of its folds."""
    whole = run.parent.parent if run.parent.name == "folds" else run
    return command("convscope", "train", "--resume", whole)


def go_on(run: Path, error: OSError | None = None) -> str:
    """`Go on with: convscope train --resume runs/a`; on a full disk, after making room."""
    resume = resume_command(run)
    if error is None:
        return f"Go on with: {resume}"
    if error.errno in FULL:
        return f"Make room, then go on with: {resume}"
    if error.errno in READ_ONLY:
        return f"Where it can be written, go on with: {resume}"
    return f"When the disk answers again, go on with: {resume}"


def refused_by_disk(path: Path, error: OSError) -> str:
    """`runs/a/metrics.jsonl could not be written: No space left on device`."""
    return f"{here(path)} could not be written: {error.strerror or error}"
