"""Names of runs: what a folder, a command line and a zip all take."""

import re
from contextlib import suppress
from pathlib import Path

from convscope.errors import UsageError
from convscope.wording import near, shown

LONGEST = 200
"""Bytes: file systems take 255, and checkpoints are written beside a name that is a little longer."""


def check_name(name: str) -> None:
    """Refuse a name that a run cannot have.

    Raises:
        UsageError: with the reason.
    """
    why = _what_is_wrong(name)
    if why:
        raise UsageError(f"a run cannot be named '{shown(name)}': {why}. Choose another --name")


def stem_of(data_name: str, network_name: str) -> str:
    """`<data>-<network>`, of characters that a folder's name may have."""
    return "-".join(re.sub(r"[^\w.]+", "-", part).strip("-.") for part in (data_name, network_name))


def next_number(parent: Path, stem: str) -> int:
    """One more than the highest that is taken."""
    taken = (re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in parent.glob(f"{stem}-*"))
    return 1 + max((int(match[1]) for match in taken if match), default=0)


def _what_is_wrong(name: str) -> str:
    if not name.strip():
        return "that is no name"
    if "/" in name or "\\" in name:
        return "it is one folder's name, without slashes; --runs says where that folder is"
    if name != shown(name):
        return "it has signs that no terminal shows"
    if name != name.strip():
        return "it begins or ends with a space"
    if name.startswith(("-", ".")):
        return f"it begins with '{name[0]}', which commands and lists take for something else"
    if name.endswith("."):
        return "it ends with a dot, which some systems drop"
    if len(name.encode()) > LONGEST:
        return f"it has {len(name.encode()):,} bytes, and file systems take no more than about {LONGEST}"
    return ""


def named_alike(path: Path) -> str:
    """What may have been meant by a folder that is not there: ` Did you mean runs/photos-1?`; or nothing."""
    with suppress(OSError):
        found = near(path.name, [each.name for each in path.parent.iterdir() if each.is_dir()], 1)
        return "".join(f" Did you mean {path.parent / name}?" for name in found)
    return ""
