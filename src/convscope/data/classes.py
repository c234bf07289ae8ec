"""Class names: their order, and matching them by name with the classes that are already known."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convscope.errors import DataError
from convscope.wording import listed, quoted, shown


@dataclass(frozen=True, slots=True)
class ClassMatch:
    """Classes found in some data beside the classes a classifier knows."""

    class_names: tuple[str, ...]
    """The known ones, in the known order: indices never shift."""
    missing: tuple[str, ...]
    """Known, but without an image in this data."""
    unknown: tuple[str, ...]
    """In this data, but not known."""


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key under which img2 comes before img10 and Ant beside ant."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(_part_key(part) for part in parts if part), name


def _part_key(part: str) -> tuple[int, int, str]:
    """A number goes by its digits, the longer being the larger: Python reads none of more than 4,300."""
    if not (part.isascii() and part.isdigit()):  # ① and ² are digits, too, and no numbers
        return 1, 0, part
    digits = part.lstrip("0")
    return 0, len(digits), digits


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in natural order."""
    return tuple(sorted(set(names), key=natural_key))


def canonical(name: str) -> str:
    """One spelling for names that look the same: archives made on a Mac write é as e and an accent. Fit to
    be shown and written."""
    return unicodedata.normalize("NFC", shown(name))


def look_alikes(names: Iterable[str]) -> list[str]:
    """What to say of classes whose names differ in nothing but capitals, spaces, - and _; as Cat and cat."""
    same: dict[str, list[str]] = {}
    for name in natural_order(names):
        same.setdefault(re.sub(r"[\s_-]+", "", name.casefold()), []).append(name)
    pairs = [together for together in same.values() if len(together) > 1]
    if not pairs:
        return []
    alike = listed([" and ".join(f"'{name}'" for name in together) for together in pairs], 3)
    return [f"{alike} are classes of their own here; give them one name if they are one"]


def match_classes(known: Sequence[str], found: Iterable[str]) -> ClassMatch:
    """Match the classes of some data with the known ones, by name."""
    names = set(found)
    return ClassMatch(
        class_names=tuple(known),
        missing=tuple(name for name in known if name not in names),
        unknown=natural_order(names - set(known)),
    )


def refuse_unknown(match: ClassMatch, where: str) -> None:
    """Stop when the data has classes that are not known.

    Raises:
        DataError: naming the unknown and the missing classes.
    """
    if not match.unknown:
        return
    lacking = f"no images of {quoted(match.missing)} and has " if match.missing else ""
    plural = "classes that are" if len(match.unknown) > 1 else "a class that is"
    raise DataError(
        f"{where} has {lacking}{plural} not known: {quoted(match.unknown)}.\n"
        f"known: {listed(match.class_names, 20)}. "
        "Leave the unknown out with --ignore-unknown, or train with them."
    )
