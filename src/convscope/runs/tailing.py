"""Following `metrics.jsonl` while another process writes it, without reading any line twice."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from convscope.runs.records import Record


@dataclass(frozen=True, kw_only=True)
class News:
    """What came since one looked last.

    Attributes:
        records: the whole ones, in order.
        is_anew: the file was written anew, as a resumed run does: forget what was read before.
    """

    records: tuple[Record, ...]
    is_anew: bool = False


class Tail:
    """Where one reader of a record stands.

    Half a line waits for its other half. A line that is damaged ends the record, as it does for
    `read_records`, until the file is written anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._file: tuple[int, int] | None = None

    def news(self) -> News:
        """The records that were added since the last call; all of them at the first."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                identity = (found.st_dev, found.st_ino)
                is_anew = self._file is not None and (identity != self._file or found.st_size < self._offset)
                if is_anew:
                    self._offset = 0
                self._file = identity
                if found.st_size == self._offset:
                    return News(records=(), is_anew=is_anew)
                file.seek(self._offset)
                content = file.read()
        except OSError:  # not there yet, or being replaced: the next look will tell
            return News(records=())
        return News(records=self._take(content), is_anew=is_anew)

    def _take(self, content: bytes) -> tuple[Record, ...]:
        records: list[Record] = []
        for line in content.splitlines(keepends=True):
            record = _parsed(line)
            if record is None:
                break
            records.append(record)
            self._offset += len(line)
        return tuple(records)


def _parsed(line: bytes) -> Record | None:
    """A whole line's record; None of half a line, or a damaged one."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("step"), int) else None
