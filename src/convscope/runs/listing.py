"""The runs in a folder."""

from pathlib import Path

from convscope.runs import atomic
from convscope.runs.folder import CONFIG, Run


def list_runs(parent: Path) -> list[Run]:
    """All runs in a folder, oldest first."""
    found = [path for path in parent.glob(f"*/{CONFIG}") if not path.parent.name.startswith(atomic.PREFIX)]
    return [Run(path.parent) for path in sorted(found, key=lambda path: (_time_of(path), path))]


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0
