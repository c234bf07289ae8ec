"""`metrics.jsonl`: one JSON document a line, appended while training runs."""

import json
from pathlib import Path
from typing import Any

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.runs.advice import go_on, refused_by_disk

Record = dict[str, Any]


def append_record(path: Path, record: Record) -> None:
    """Add a line, and hand it to the operating system.

    Raises:
        RunError: when the disk refuses; half a line is not read, and forgotten by the run that goes on.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise RunError(f"{refused_by_disk(path, error)}.\n{go_on(path.parent, error)}") from error


def read_records(path: Path) -> list[Record]:
    """All whole lines; from the half line of a killed writer, or a damaged one, on they are left out.

    Raises:
        RunError: when the file cannot be read at all.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not isinstance(record, dict) or not isinstance(record.get("step"), int):
            break
        records.append(record)
    return records


def truncate_records(path: Path, step: int) -> None:
    """Forget what was recorded after `step`: a resumed run will record it again.

    Raises:
        RunError: when the disk refuses; the file is as it was.
    """
    if not path.is_file():
        return
    kept = [record for record in read_records(path) if record["step"] <= step]
    try:
        atomic.write_file(path, "".join(json.dumps(record) + "\n" for record in kept).encode())
    except OSError as error:
        raise RunError(f"{refused_by_disk(path, error)}.\n{go_on(path.parent, error)}") from error
