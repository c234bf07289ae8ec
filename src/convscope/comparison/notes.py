"""What a reader of a comparison should know besides its figures, a sentence each."""

from collections.abc import Sequence

import numpy as np

from convscope.comparison.pairing import Paired
from convscope.comparison.settings import settings_apart
from convscope.comparison.sides import Side, seeds_of
from convscope.runs.environment import what_differs
from convscope.wording import some


def left_out(paired: Paired, sides: Sequence[Side]) -> list[str]:
    """That not all test images were the same."""
    if not any(paired.left_out):
        return []
    shares = [
        f"{max(paired.left_out[at : at + len(side.members)]):,} of {side.name}"
        for side, at in zip(sides, (0, len(sides[0].members)), strict=True)
    ]
    return [
        f"compared on the {some(len(paired), 'image')} that all of them were tested on, by content; "
        f"left out: {' and '.join(shares)}"
    ]


def together(paired: Paired) -> list[str]:
    """That images are not counted one by one."""
    if paired.groups is None:
        return []
    groups = some(len(np.unique(paired.groups)), "series", "series")
    return [f"these {some(len(paired), 'image')} are {groups}, right or wrong together, and count as such"]


def corrected_labels(before: Sequence[Side], after: Sequence[Side]) -> list[str]:
    """That one side was judged by corrected labels, and so both are: `judged_alike` made `after`."""
    changed = max(
        sum(int((old.labels != new.labels).sum()) for old, new in zip(one.judged, other.judged, strict=True))
        for side, alike in zip(before, after, strict=True)
        for one, other in zip(side.members, alike.members, strict=True)
    )
    if not changed:
        return []
    return [
        f"both are judged by the corrected labels, which {some(changed, 'test image')} had in one of the two "
        "alone; whoever corrects looks for errors, so they may flatter"
    ]


def seed_notes(first: Side, second: Side) -> list[str]:
    """Where a group is not one recipe."""
    found = []
    for side in (first, second):
        seeds = seeds_of(side)
        if len(set(seeds)) < len(seeds):
            found.append(f"{side.name} holds a seed twice: its spread is smaller than it looks")
        apart = settings_within(side)
        if apart:
            found.append(f"the runs of {side.name} differ in more than their seeds: {', '.join(apart)}")
    return found


def settings_within(side: Side) -> list[str]:
    """The settings that differ within a group, besides its seeds."""
    singles = [Side(path=each.run.path, kind="run", members=(each,)) for each in side.members]
    return [each.field for each in settings_apart(singles) if each.field != "seed"]


def machines(first: Side, second: Side) -> list[str]:
    """That seconds were taken on different machines."""
    one, other = first.first.environment, second.first.environment
    try:
        found = what_differs(one, other)
    except (KeyError, TypeError):  # noted by another version
        return []
    return (
        [f"trained on different machines ({', '.join(found)}): their seconds do not compare"] if found else []
    )
