"""Which image stands in which split: decided by content and seed, never by file names or their order.

Images that must stay together (identical, nearly identical, of one group) form a cluster, and clusters are
dealt out, class by class. A cluster's place in the deal is a hash of the seed and its smallest content hash.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from convscope.data.classes import natural_key, natural_order
from convscope.data.sources.source import Split
from convscope.errors import DataError
from convscope.wording import quoted, some


@dataclass(frozen=True, slots=True)
class Deal:
    """The split of each image, and what a reader should know about it."""

    splits: tuple[Split, ...]
    notes: tuple[str, ...]


def clusters(count: int, links: Iterable[Sequence[int]]) -> list[int]:
    """For each of `count` images, the smallest index that it is linked with, directly or through others."""
    towards = list(range(count))  # each image points to a smaller one of its cluster, the smallest to itself

    def smallest(index: int) -> int:
        while towards[index] != index:
            towards[index] = towards[towards[index]]  # halves the way for whoever asks next
            index = towards[index]
        return index

    for first, *others in links:
        for other in others:
            low, high = sorted((smallest(first), smallest(other)))
            towards[high] = low
    return [smallest(index) for index in range(count)]


def links_of(keys: Sequence[Hashable | None]) -> list[list[int]]:
    """Indices that share a key; None is shared with nobody."""
    together: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        if key is not None:
            together[key].append(index)
    return [indices for indices in together.values() if len(indices) > 1]


def divide(
    hashes: Sequence[str],
    strata: Sequence[str],
    cluster_of: Sequence[int],
    shares: dict[Split, float],
    seed: int,
) -> Deal:
    """Deal images into splits; `shares` says how much goes to validation and test, the rest is training.

    Args:
        hashes: content hash of each image.
        strata: class of each image, or the band of its number; each is dealt out on its own.
        cluster_of: images with equal values stay together.
        shares: share of the images for each split other than training; 0 leaves it empty.
        seed: another seed, another deal.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, cluster in enumerate(cluster_of):
        members[cluster].append(index)
    by_stratum: defaultdict[str, list[list[int]]] = defaultdict(list)
    for together in members.values():
        leader = min(together, key=lambda index: hashes[index])
        by_stratum[strata[leader]].append(together)
    splits: list[Split] = ["train"] * len(hashes)
    wanted = {split: share for split, share in shares.items() if share > 0}
    for stratum in sorted(by_stratum, key=natural_key):
        order = sorted(by_stratum[stratum], key=lambda together: _place(together, hashes, seed))
        for split, chosen in _deal(order, wanted).items():
            for index in chosen:
                splits[index] = split
    return Deal(tuple(splits), _lacking(strata, cluster_of, splits, {"train", *wanted}))


def _deal(order: list[list[int]], shares: dict[Split, float]) -> dict[Split, list[int]]:
    """Fill the smaller splits to their share, each with one cluster at least if one stays to train on."""
    total = sum(map(len, order))
    left = list(order)
    chosen: dict[Split, list[int]] = {}
    for number, (split, share) in enumerate(shares.items(), start=1):
        target = max(1, round(share * total))
        spared = 1 + len(shares) - number  # one cluster for training and for each split that comes after
        taken: list[int] = []
        for together in list(left):
            if len(left) <= spared or len(taken) >= target:
                break
            if len(taken) + len(together) / 2 <= target:
                taken += together
                left.remove(together)
        if not taken and len(left) > 1:
            smallest = min(left, key=len)
            taken += smallest
            left.remove(smallest)
        chosen[split] = taken
    return chosen


def _place(together: Sequence[int], hashes: Sequence[str], seed: int) -> bytes:
    leader = min(hashes[index] for index in together)
    return hashlib.blake2b(f"{seed}/{leader}".encode(), digest_size=16).digest()


def _lacking(
    strata: Sequence[str], cluster_of: Sequence[int], splits: Sequence[Split], wanted: set[Split]
) -> tuple[str, ...]:
    """What to say of classes that do not stand in every split; one sentence, however many they are."""
    images: defaultdict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata):
        images[stratum].append(index)
    lacking = {name: i for name, i in images.items() if not wanted <= {splits[index] for index in i}}
    if not lacking:
        return ()
    names = natural_order(lacking)
    apart = {name: len({cluster_of[index] for index in lacking[name]}) for name in names}
    are_alone = all(apart[name] == len(lacking[name]) for name in names)
    what = ("image", "images") if are_alone else ("group of images", "groups of images")
    least, most = min(apart.values()), max(apart.values())
    count = some(most, *what) if least == most else f"{least:,} to {some(most, *what)}"
    if len(names) == 1:
        return (f"class {quoted(names)} has only {count} to divide: not every split has one",)
    each = f"{len(names):,} classes have only {count} each to divide: not every split has one of them"
    return (f"{each}: {quoted(names, 3)}",)


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of a cross-validation: indices of the images to learn from and of those held out."""

    repeat: int
    index: int
    train: tuple[int, ...]
    held_out: tuple[int, ...]


def folds(
    hashes: Sequence[str],
    strata: Sequence[str],
    cluster_of: Sequence[int],
    *,
    k: int,
    repeats: int = 1,
    seed: int = 0,
) -> list[Fold]:
    """Stratified, grouped k-fold cross-validation, `repeats` times with another deal.

    In each repeat every image is held out exactly once, and clusters are never torn. As with `divide`, only
    content and seed decide.

    Raises:
        DataError: fewer clusters than folds in some class.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, cluster in enumerate(cluster_of):
        members[cluster].append(index)
    leaders = {c: min(together, key=lambda index: hashes[index]) for c, together in members.items()}
    counts = Counter(strata[leader] for leader in leaders.values())
    rarest = min(counts, key=lambda name: (counts[name], natural_key(name)))
    if k < 2 or counts[rarest] < k:
        raise DataError(
            f"{k} folds need at least 2, and {k} different images of each class; "
            f"class '{rarest}' has {counts[rarest]}. Use fewer folds."
        )
    result = []
    for repeat in range(repeats):
        fold_of = _fold_of(members, leaders, hashes, strata, k, f"{seed}/{repeat}")
        for fold in range(k):
            held_out = tuple(i for i, where in enumerate(fold_of) if where == fold)
            train = tuple(i for i, where in enumerate(fold_of) if where != fold)
            result.append(Fold(repeat, fold, train, held_out))
    return result


def _fold_of(
    members: dict[int, list[int]],
    leaders: dict[int, int],
    hashes: Sequence[str],
    strata: Sequence[str],
    k: int,
    salt: str,
) -> list[int]:
    """Give each cluster, largest first, to the fold with the fewest of its class, then the fewest of all."""

    def place(cluster: int) -> tuple[int, bytes]:
        text = f"{salt}/{hashes[leaders[cluster]]}".encode()
        return -len(members[cluster]), hashlib.blake2b(text, digest_size=16).digest()

    of_class: defaultdict[str, list[int]] = defaultdict(lambda: [0] * k)
    of_all = [0] * k
    fold_of = [0] * len(hashes)
    for cluster in sorted(members, key=place):
        stratum = strata[leaders[cluster]]
        fold = min(range(k), key=lambda index: (of_class[stratum][index], of_all[index], index))
        for index in members[cluster]:
            fold_of[index] = fold
        of_class[stratum][fold] += len(members[cluster])
        of_all[fold] += len(members[cluster])
    return fold_of
