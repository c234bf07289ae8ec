"""The names of checkpoints, in a file: `checkpoints/names.json`.

    {"last": "step-00000430", "best": "step-00000400", "final": "step-00000400"}

A run is a folder that people copy, zip and move between systems, and links do not survive that. Version
0.1.0 had symbolic links; they are read where no file is, also as what copying made of them: a whole folder,
or a file that holds the link's text.
"""

import json
from pathlib import Path
from typing import Final, Literal

from convscope.errors import RunError
from convscope.runs import atomic
from convscope.wording import here

FILE = "names.json"
Name = Literal["last", "best", "head", "blend", "earlier", "final"]
LAST: Final = "last"
BEST: Final = "best"
HEAD: Final = "head"
BLEND: Final = "blend"
EARLIER: Final = "earlier"
FINAL: Final = "final"
NAMES: tuple[Name, ...] = (LAST, BEST, HEAD, BLEND, EARLIER, FINAL)
ALONE: tuple[Name, ...] = (BLEND, EARLIER)
"""Weights without a training state, in folders of their own: no step led to them, or was taken since."""

_IN_WORDS = {
    BEST: "best validation",
    HEAD: "head, fitted before the steps, which did not help",
    BLEND: "blend, the weights between head and last",
    EARLIER: "earlier, kept before it went on, which did not help",
}


def kept_in_words(name: str, steps: int) -> str:
    """What the checkpoint that is kept after so many steps is."""
    return _IN_WORDS.get(name, name) if steps else name


def read_names(folder: Path) -> dict[str, str]:
    """Name → the checkpoint's folder name; empty where none was given or the file was lost.

    Raises:
        RunError: when the file is there and cannot be read.
    """
    try:
        names = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _linked(folder)
    except (OSError, ValueError) as error:
        raise RunError(_damaged(folder, error)) from None
    if not isinstance(names, dict) or not all(isinstance(value, str) for value in names.values()):
        raise RunError(_damaged(folder, "it does not hold names"))
    return names


def write_names(folder: Path, names: dict[str, str]) -> None:
    """Replace all names in one move; links of version 0.1.0 go, now that the file says what they said."""
    atomic.write_file(folder / FILE, (json.dumps(names, indent=1) + "\n").encode())
    for name in NAMES:
        if (folder / name).is_symlink():
            (folder / name).unlink()


def _damaged(folder: Path, error: object) -> str:
    return (
        f"{here(folder / FILE)} is damaged: {error}.\n"
        'It says which checkpoint has which name, as in {"final": "step-00000430"}: mend it, or delete it '
        "to go by the step numbers"
    )


def _linked(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in NAMES:
        target = _target(folder / name)
        if target is not None and atomic.standing(folder / target).is_dir():
            found[name] = target
    return found


def _target(link: Path) -> str | None:
    """What a link points to, or pointed to before it was copied."""
    try:
        if link.is_symlink():
            return link.readlink().name
        if link.is_dir():
            step = json.loads((link / "state.json").read_text(encoding="utf-8"))["step"]
            return f"step-{step:08d}"
        return link.read_text(encoding="utf-8").strip().rpartition("/")[2] or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
