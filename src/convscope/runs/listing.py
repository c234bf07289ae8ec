"""The runs in a folder, and the groups of runs that differ by their seed alone."""

import re
from pathlib import Path

from convscope.runs import atomic
from convscope.runs.folder import CONFIG, Run

SEED = re.compile(r"seed-(\d+)")
"""How the runs of a group are called: `runs/digits-seeds-1/seed-0`."""


def list_runs(parent: Path) -> list[Run]:
    """All runs in a folder, oldest first."""
    found = [path for path in parent.glob(f"*/{CONFIG}") if not path.parent.name.startswith(atomic.PREFIX)]
    return [Run(path.parent) for path in sorted(found, key=lambda path: (_time_of(path), path))]


def list_groups(parent: Path) -> list[Path]:
    """The groups of seeds in a folder, by name."""
    return sorted(
        path
        for path in {found.parent.parent for found in parent.glob(f"*/seed-*/{CONFIG}")}
        if seed_runs(path)
    )


def seed_runs(folder: Path) -> list[Path]:
    """The runs of a group in the order of their seeds; empty where the folder is none."""
    if (folder / CONFIG).is_file() or not folder.is_dir():
        return []
    found = [(SEED.fullmatch(path.parent.name), path.parent) for path in folder.glob(f"seed-*/{CONFIG}")]
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0
