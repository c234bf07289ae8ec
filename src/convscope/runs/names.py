"""Names of runs: what a folder, a command line and a zip all take."""

from convscope.errors import UsageError
from convscope.wording import shown

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
