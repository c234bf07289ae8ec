"""Series: images of one thing or scene, which a split must not tear, though they are no copies.

Six exposures of one tile, a crate of fruit from three sides, frames of a film: held out from training, such
an image is known from its sisters, and the figure flatters. Names are asked first, since a pattern in them
says it exactly; what images look like decides whether they are believed. Where names say nothing, images
that are more alike than directions at random ever are form a series, if every image of it is on average that
much like the others (average linkage; Sokal & Michener 1958).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.data.splitting.likeness import Likeness
from convscope.data.splitting.naming import Pattern, patterns_of, runs_of
from convscope.data.splitting.splits import clusters, links_of
from convscope.wording import command, percent, some

By = Literal["names", "numbers", "looks"]

_FEWEST_IMAGES = 40
"""With fewer, nothing is known of what is usual in them."""
_ALIKE_BY_CHANCE = 1e-3
"""Share of random pairs that are as much alike as two that names put together must be."""
_CONFIRMED = 0.5
"""So many of the pairs that names put together must be that much alike. Of the tiles' numbers 9 of 10 are; of
consecutive numbers of fruit, waste, cats and kittens less than 1 of 10."""
_FEWEST_PAIRS = 20
_LEAST_NAMED = 1 / 3
"""Of the images that stand in groups of several, for a pattern to be one of series."""
_MOST_PAIRS = 200_000
_CHANCE = 1e-6
_STRICT_CHANCE = 1e-12
"""Share of random pairs that are as much alike as a series. The strict one holds where less than half of the
images are in any: two cats may look alike by chance, and half of all images do not."""
_MOST_ALIKE = 0.5
_LARGEST = 3_000
"""Images that hang together by their looks; more are no series, but a kind."""
_STRETCH = 1 << 23
"""Scalar products at a time."""


@dataclass(frozen=True, slots=True)
class Series:
    """Images that belong together.

    Attributes:
        groups: indices of the images of each series of two or more.
        by: what shows it.
        count: series among all images; one that stands alone is one.
        images: how many were looked at.
        pattern: a regular expression on the paths that names the series; empty where there is none.
        agreeing: share of the pairs by names, or by numbers, that look alike as well.
    """

    groups: tuple[tuple[int, ...], ...] = ()
    by: By = "looks"
    count: int = 0
    images: int = 0
    pattern: str = ""
    agreeing: float = 0.0

    @property
    def share(self) -> float:
        """Of the images that are not alone."""
        return sum(map(len, self.groups)) / max(1, self.images)

    @property
    def is_plain(self) -> bool:
        """Whether the images as a whole are series, not a few of them."""
        return bool(self.groups) and (self.by != "looks" or self.share >= _MOST_ALIKE)

    @property
    def said(self) -> str:
        """One sentence; empty without a series."""
        if not self.groups:
            return ""
        sides = "each stays on one side of the split"
        if self.by == "looks" and not self.is_plain:
            together = sum(map(len, self.groups))
            return f"{together:,} images look like others of one scene or thing; they stay on one side"
        these = f"these {some(self.images, 'image')} look like {some(self.count, 'series', 'series')}"
        if self.by == "looks":
            return f"{these} of one thing or scene; {sides}. Where names say it exactly: --group-by"
        where = "by their names" if self.by == "names" else "by the numbers in their names"
        alike = percent(self.agreeing, 0)
        shown = f" ({command('--group-by', self.pattern)})" if self.pattern else ""
        return f"{these} {where}{shown}, and {alike} of their pairs look alike; {sides}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "images": self.images,
            "count": self.count,
            "by": self.by if self.groups else None,
            "pattern": self.pattern or None,
            "sentence": self.said or None,
        }


def find_series(
    paths: Sequence[str],
    labels: Sequence[str | float],
    coarse: NDArray[np.float32],
    features: Callable[[], NDArray[np.float32]] | None = None,
) -> Series:
    """Find the series among images.

    Args:
        paths: of N images.
        labels: of each; images of two classes are alike by their names alone. Numbers are one class.
        coarse: their coarse structure, `(N, 63)` (see `similar.describe`).
        features: gives those of a pretrained backbone, `(N, F)`, where names alone do not tell.
    """
    count = len(paths)
    if count < _FEWEST_IMAGES:
        return Series(images=count, count=count)
    names = sorted({label for label in labels if isinstance(label, str)})
    place = {name: index for index, name in enumerate(names)}
    classes = [place[label] if isinstance(label, str) else 0 for label in labels]
    likeness = Likeness.of(coarse, classes)
    named, numbered = _by_names(paths, likeness), _by_numbers(paths, likeness)
    if named is None and features is not None:
        likeness = Likeness.of(features(), classes)
        named, numbered = _by_names(paths, likeness), _by_numbers(paths, likeness) or numbered
    if named is not None:
        return named
    found = Series(images=count, count=count) if features is None else _by_looks(likeness)
    if numbered is None:
        return found
    links = clusters(count, [*numbered.groups, *found.groups])
    return _series(links_of(links), count, "numbers", agreeing=numbered.agreeing)


def _series(groups: Sequence[Sequence[int]], count: int, by: By, **more: str | float) -> Series:
    alone = count - sum(map(len, groups))
    return Series(
        groups=tuple(tuple(sorted(group)) for group in groups),
        by=by,
        count=len(groups) + alone,
        images=count,
        pattern=str(more.get("pattern", "")),
        agreeing=float(more.get("agreeing", 0.0)),
    )


def _by_names(paths: Sequence[str], likeness: Likeness) -> Series | None:
    """By the pattern that puts most images together, of those that looks agree with."""
    best: tuple[int, Pattern, float] | None = None
    for pattern in patterns_of(paths):
        pairs = _pairs_of(pattern, likeness.classes)
        agreeing = _agreeing(pairs, likeness)
        together = sum(map(len, links_of(pattern.keys)))
        is_confirmed = agreeing >= _CONFIRMED and together >= _LEAST_NAMED * len(paths)
        if is_confirmed and (best is None or len(pairs) > best[0]):
            best = (len(pairs), pattern, agreeing)
    if best is None:
        return None
    _, pattern, agreeing = best
    groups = links_of(pattern.keys)
    return _series(groups, len(paths), "names", pattern=pattern.expression, agreeing=agreeing)


def _by_numbers(paths: Sequence[str], likeness: Likeness) -> Series | None:
    """By consecutive numbers, where most of such pairs look alike; a series ends where one does not."""
    pairs = np.asarray(runs_of(paths, likeness.classes.tolist()), dtype=np.int64).reshape(-1, 2)
    agreeing = _agreeing(pairs, likeness)
    if agreeing < _CONFIRMED or len(pairs) < _LEAST_NAMED * len(paths):
        return None
    linked = pairs[likeness.of_pairs(pairs) >= likeness.by_chance(_ALIKE_BY_CHANCE)]
    groups = links_of(clusters(len(paths), linked.tolist()))
    return _series(groups, len(paths), "numbers", agreeing=agreeing)


def _agreeing(pairs: NDArray[np.int64], likeness: Likeness) -> float:
    """Share of pairs that look alike; 0 where they are too few to say."""
    if len(pairs) < _FEWEST_PAIRS:
        return 0.0
    return float((likeness.of_pairs(pairs) >= likeness.by_chance(_ALIKE_BY_CHANCE)).mean())


def _pairs_of(pattern: Pattern, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of one class that a pattern puts together, `(P, 2)`; none where they would be very many."""
    keys = [None if key is None else (key, label) for key, label in zip(pattern.keys, classes, strict=True)]
    groups = [np.asarray(group) for group in links_of(keys)]
    if sum(len(group) ** 2 for group in groups) > 2 * _MOST_PAIRS:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = [group[np.stack(np.triu_indices(len(group), 1), axis=1)] for group in groups]
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), dtype=np.int64)


def _by_looks(likeness: Likeness) -> Series:
    """Where less than half of the images are in series, only those that are very much alike."""
    for chance in (_CHANCE, _STRICT_CHANCE):
        series = _series(_alike(likeness, likeness.by_chance(chance)), len(likeness.classes), "looks")
        if series.is_plain:
            break
    return series


def _alike(likeness: Likeness, least: float) -> list[list[int]]:
    """Groups whose images are on average at least so much alike."""
    from scipy.cluster.hierarchy import fcluster, linkage  # no training that asks no looks waits for these
    from scipy.spatial.distance import squareform

    groups: list[list[int]] = []
    for together in links_of(clusters(len(likeness.classes), _close(likeness, least))):
        if len(together) > _LARGEST:
            continue
        directions = likeness.directions[together]
        distances = np.maximum(0, 1 - directions @ directions.T)
        np.fill_diagonal(distances, 0)
        tree = linkage(squareform(distances, checks=False), "average")
        groups += [
            [together[place] for place in places]
            for places in links_of(fcluster(tree, 1 - least, "distance").tolist())
        ]
    return groups


def _close(likeness: Likeness, least: float) -> list[list[int]]:
    """For each image with others of its class that are as much alike, these and itself."""
    found: list[list[int]] = []
    for label in np.unique(likeness.classes).tolist():
        own = np.flatnonzero(likeness.classes == label)
        directions = likeness.directions[own]
        step = max(1, _STRETCH // len(own))
        for start in range(0, len(own), step):
            products = directions[start : start + step] @ directions.T
            rows, columns = np.nonzero(products >= least)
            ends = np.searchsorted(rows, np.arange(len(products) + 1))
            found += [own[columns[a:b]].tolist() for a, b in pairwise(ends) if b - a > 1]
    return found
