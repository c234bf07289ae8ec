"""Broken files: named with their reason, counted, never replaced."""

from collections.abc import Sequence
from dataclasses import dataclass

from convscope.errors import DataError

MOST_BROKEN = 0.05
"""A larger share of broken files stops, because then something else is wrong than a few bad downloads."""
NO_LABEL = "no label"
"""Why an image stays out that is whole, but of no known class: nothing is wrong with it."""


class BrokenImage(DataError):  # noqa: N818 (it is about an image, and reads so where it is raised)
    """One file cannot be used as an image; the text is the reason in a few plain words."""


class NotNow(BrokenImage):
    """One file cannot be used this time. Its content is not why, so nobody may remember it."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that stays out, and why."""

    path: str
    reason: str


def stop_if_many(quarantined: Sequence[Quarantined], total: int, name: str, *, allow_broken: bool) -> None:
    """Refuse to go on when more than 5 % of `total` files are broken; those without a label are not.

    Raises:
        DataError: naming up to three of them.
    """
    broken = [entry for entry in quarantined if entry.reason != NO_LABEL]
    if allow_broken or total == 0 or len(broken) <= MOST_BROKEN * total:
        return
    examples = ", ".join(f"{entry.path} ({entry.reason})" for entry in broken[:3])
    more = ", …" if len(broken) > 3 else ""
    raise DataError(
        f"{name}: {len(broken):,} of {total:,} files cannot be used, more than 5 %: {examples}{more}\n"
        "Mend or remove them, or go on without them: --allow-broken"
    )
