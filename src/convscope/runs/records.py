"""`metrics.jsonl`: one JSON document a line, appended while training runs."""

import json
from pathlib import Path
from typing import Any

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.runs.checkpoints import resume_command

Record = dict[str, Any]


def append_record(path: Path, record: Record) -> None:
    """Add a line, and hand it to the operating system.

    Raises:
        RunError: when the disk refuses.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise RunError(
            f"{path} could not be written: {error.strerror or error}.\n"
            f"Make room, then go on with: {resume_command(path.parent)}"
        ) from error


def read_records(path: Path) -> list[Record]:
    """All whole lines; the half line of a killed writer is left out."""
    if not path.is_file():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def truncate_records(path: Path, step: int) -> None:
    """Forget what was recorded after `step`: a resumed run will record it again."""
    if not path.is_file():
        return
    kept = [record for record in read_records(path) if record["step"] <= step]
    atomic.write_file(path, "".join(json.dumps(record) + "\n" for record in kept).encode())
