"""What names say of images that belong together: the number of a scene, a patient, a recording.

Names alone prove nothing, since `photo_1_3.jpg` may count anything. They propose; what images look like
decides (`series.py`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_MOST_FIELDS = 6
_LEAST_SHARE = 0.9
"""Of the names that must be built alike, so that a pattern can speak for them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A part of the paths that may name a group."""

    expression: str
    """A regular expression, as `--group-by` takes it."""
    keys: tuple[str | None, ...]
    """Of each path, what it names; None where it matches nothing."""


def patterns_of(paths: Sequence[str]) -> list[Pattern]:
    """Every part of the paths that could name groups: their folder, and what stands in the files' names."""
    found = [Pattern(each, keys) for each in _expressions(paths) if _divides(keys := _keys(paths, each))]
    return list({pattern.keys: pattern for pattern in reversed(found)}.values())[::-1]


def runs_of(paths: Sequence[str], classes: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of images of one class that are numbered one after the other, as a burst or frames of a film.

    Files of one folder whose names differ only in their last number; between two there may be two missing.
    """
    numbered: defaultdict[tuple[int, str, str], list[tuple[int, int]]] = defaultdict(list)
    for index, (path, label) in enumerate(zip(paths, classes, strict=True)):
        match = re.search(r"^(.*?)(\d+)(\D*)$", path)
        if match is not None:
            numbered[(label, match[1], match[3])].append((int(match[2]), index))
    pairs = []
    for members in numbered.values():
        ordered = sorted(members)
        pairs += [
            (first, second)
            for (number, first), (following, second) in pairwise(ordered)
            if following - number <= 3
        ]
    return pairs


def _expressions(paths: Sequence[str]) -> Iterator[str]:
    if all("/" in path for path in paths):
        yield "^(.*)/"
    stems = [PurePosixPath(path).stem for path in paths]
    tokens = [_TOKEN.findall(stem) for stem in stems]
    shape, count = Counter(tuple(_kind(token) for token in each) for each in tokens).most_common(1)[0]
    if count < _LEAST_SHARE * len(paths):
        return
    alike = [each for each in tokens if tuple(_kind(token) for token in each) == shape]
    values = [{each[place] for each in alike} for place in range(len(shape))]
    parts = [
        re.escape(next(iter(seen))) if len(seen) == 1 else kind
        for seen, kind in zip(values, shape, strict=True)
    ]
    varying = [place for place, seen in enumerate(values) if len(seen) > 1][:_MOST_FIELDS]
    begin = "/" if all("/" in path for path in paths) else r"(?:^|/)"
    for place in varying:
        if place + 1 == len(parts):
            continue  # the last part counts images
        before, after = "".join(parts[:place]), parts[place + 1]
        yield f"{begin}{before}({parts[place]}){after}"
        if place != varying[0]:
            yield f"{begin}({before}{parts[place]}){after}"


def _kind(token: str) -> str:
    """What matches such a token; a separator stands for itself."""
    if token.isdecimal():
        return r"\d+"
    return r"[^\W\d_]+" if token.isalpha() else re.escape(token)


def _keys(paths: Sequence[str], expression: str) -> tuple[str | None, ...]:
    pattern = re.compile(expression)
    return tuple(match[1] if (match := pattern.search(path)) else None for path in paths)


def _divides(keys: Sequence[str | None]) -> bool:
    """Whether there are several groups, and some of more than one image."""
    counts = Counter(key for key in keys if key is not None)
    return 1 < len(counts) < sum(counts.values())
