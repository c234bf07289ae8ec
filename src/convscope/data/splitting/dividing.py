"""The split of every image: given ones are kept, missing ones are dealt out, no image stands in two."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convscope.config.asked import DataConfig
from convscope.data.classes import natural_order
from convscope.data.example import Example
from convscope.data.sources.source import Split
from convscope.data.splitting.splits import clusters, divide, links_of
from convscope.errors import DataError, UsageError
from convscope.wording import listed, quoted, some

VALIDATION_SHARE = 0.15
MOST_FOR_VALIDATION = 5_000
_BANDS = 10
_FEWEST_PARTS = 3
"""Series or single images that a class must have to stand in training, validation and test."""
_STRICTNESS: dict[Split, int] = {"test": 2, "validation": 1, "train": 0}
"""An image that stands in two given splits stays in the stricter one: the test stays as it was given."""


@dataclass(frozen=True, slots=True)
class Divided:
    """The split of each example; None for one that is left out."""

    splits: tuple[Split | None, ...]
    clusters: tuple[int, ...]
    """Of each example; those with equal numbers must stay together."""
    notes: tuple[str, ...]
    series: tuple[tuple[int, ...], ...] = ()
    """Those of the given series that could be kept together."""


def divide_examples(
    examples: Sequence[Example],
    config: DataConfig,
    seed: int,
    *,
    divided: bool = True,
    similar: Sequence[Sequence[int]] = (),
    series: Sequence[Sequence[int]] = (),
) -> Divided:
    """Decide the split of every example.

    Given splits are kept. Without any, validation and test are dealt out; where only the test is given,
    validation is taken from training; where only validation is given, there is no test. An example without a
    split goes where others of its group or series were put. `similar` lists examples that look the same. A
    copy of an image of a stricter split is left out of the other, and noted. `series` lists examples of one
    scene or thing: they are dealt together, and nothing is left out for them.

    Raises:
        DataError: no training image is left, or none of some class.
        UsageError: the fractions leave nothing for training.
    """
    if (config.validation_fraction or 0.0) + config.test_fraction >= 1:
        raise UsageError(
            f"data.validation_fraction = {config.validation_fraction or 0.0} and data.test_fraction = "
            f"{config.test_fraction} leave nothing for training; their sum must stay below 1"
        )
    count = len(examples)
    same = links_of(clusters(count, [*links_of([example.hash for example in examples]), *similar]))
    linked = [*same, *links_of([example.group for example in examples])]
    kept, undivided = _that_can_be_kept(examples, linked, series, config.folds or _FEWEST_PARTS)
    cluster_of = clusters(count, [*linked, *kept])
    splits: list[Split | None] = [example.split for example in examples]
    left_out, notes = _leave_out_copies(examples, splits, same, blank="train" if divided else "test")
    if not divided:
        splits = [None if i in left_out else split or "test" for i, split in enumerate(splits)]
    else:
        notes += _torn_groups(examples, splits)
        alike = sum(len(together) for together in same)
        notes += [f"{alike:,} images have copies or near-copies here; they stay on one side"] if alike else []
        notes += _torn_series(examples, kept) + undivided
        _join_their_own(splits, cluster_of, left_out)
        dealt = _deal_missing(examples, splits, cluster_of, left_out, config, seed)
        notes += dealt if config.folds is None else []  # folds are another deal
        check_training(examples, splits, config.source)
        if "test" not in splits and config.folds is None:
            notes.append(
                "no image is left for a test: nothing will say how good it is on images it has not seen"
            )
    return Divided(tuple(splits), tuple(cluster_of), tuple(notes), tuple(map(tuple, kept)))


def usual_validation_share(count: int) -> float:
    """15 % of `count` images, and no more than 5,000: an accuracy of 90 % is then known to 0.8 points."""
    return min(VALIDATION_SHARE, MOST_FOR_VALIDATION / max(1, count))


def _torn_groups(examples: Sequence[Example], splits: Sequence[Split | None]) -> list[str]:
    """Given splits are kept, also where they tear a group; then this is said."""
    given: defaultdict[str, set[Split]] = defaultdict(set)
    for example, split in zip(examples, splits, strict=True):
        if example.group is not None and split is not None:
            given[example.group].add(split)
    torn = [group for group, where in given.items() if len(where) > 1]
    if not torn:
        return []
    stand = some(len(torn), "group stands", "groups stand")
    return [f"{stand} in two of the given splits, and so left: {quoted(torn, 3)}"]


def _that_can_be_kept(
    examples: Sequence[Example], linked: Sequence[Sequence[int]], series: Sequence[Sequence[int]], parts: int
) -> tuple[list[Sequence[int]], list[str]]:
    """The series without those of classes that would have fewer pieces than `parts`; and a note on them."""
    if not series:
        return [], []
    labels = strata([example.label for example in examples])
    cluster_of = clusters(len(examples), [*linked, *series])
    leaders = {c: min(own, key=lambda i: examples[i].hash) for c, own in _members(cluster_of).items()}
    pieces = Counter(labels[leader] for leader in leaders.values())
    torn = [name for name in natural_order(set(labels)) if pieces[name] < parts]
    kept = [group for group in series if not any(labels[index] in torn for index in group)]
    if len(kept) == len(series):
        return kept, []
    what = f"all images of {quoted(torn, 3)} are of one or a few series"
    return kept, [f"{what}: too few to divide, so that they are divided one by one, and the figures flatter"]


def _members(cluster_of: Sequence[int]) -> dict[int, list[int]]:
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, cluster in enumerate(cluster_of):
        members[cluster].append(index)
    return members


def _torn_series(examples: Sequence[Example], series: Sequence[Sequence[int]]) -> list[str]:
    """Given splits are kept, also where they tear a series; then this is said."""
    given = [{examples[index].split for index in group} - {None} for group in series]
    torn = sum(len(where) > 1 for where in given)
    if not torn:
        return []
    stand = some(torn, "series stands" if torn == 1 else "series stand", "series stand")
    return [f"{stand} in two of the given splits, and so left: the figures flatter"]


def _leave_out_copies(
    examples: Sequence[Example], splits: list[Split | None], same: Sequence[Sequence[int]], *, blank: Split
) -> tuple[set[int], list[str]]:
    """Which are left out, and what is to be said of it; those without a split would go to `blank`."""
    left_out: set[int] = set()
    published = 0
    for together in same:
        strictness = {index: _STRICTNESS[splits[index] or blank] for index in together}
        strictest = max(strictness.values())
        for index in together:
            if strictness[index] == strictest:
                continue
            if examples[index].official:
                published += 1
            else:
                splits[index] = None
                left_out.add(index)
    notes = []
    if left_out:
        named = listed([examples[index].id for index in sorted(left_out)], 3)
        notes.append(f"{len(left_out):,} left out, because a stricter split has the same image: {named}")
    if published:
        notes.append(f"{published:,} images stand in two of the published splits, and are left as published")
    return left_out, notes


def _join_their_own(splits: list[Split | None], cluster_of: Sequence[int], left_out: set[int]) -> None:
    """Put images without a split where others of their group or series were put; the strictest of those."""
    for together in links_of(cluster_of):
        given = [split for index in together if (split := splits[index]) is not None]
        if given:
            strictest = max(given, key=_STRICTNESS.__getitem__)
            for index in together:
                if splits[index] is None and index not in left_out:
                    splits[index] = strictest


def _deal_missing(
    examples: Sequence[Example],
    splits: list[Split | None],
    cluster_of: Sequence[int],
    left_out: set[int],
    config: DataConfig,
    seed: int,
) -> list[str]:
    given = {example.split for example in examples}
    pool = [i for i, split in enumerate(splits) if split in (None, "train") and i not in left_out]
    undecided = [i for i in pool if splits[i] is None]
    test: dict[Split, float] = {} if given & {"test", "validation"} else {"test": config.test_fraction}
    validation: dict[Split, float] = {}
    if "validation" not in given:
        share = config.validation_fraction
        validation = {"validation": usual_validation_share(len(pool)) if share is None else share}
    for index in undecided:
        splits[index] = "train"

    def deal(rows: Sequence[int], shares: dict[Split, float]) -> tuple[str, ...]:
        dealt = divide(
            [examples[index].hash for index in rows],
            strata([examples[index].label for index in rows]),
            [cluster_of[index] for index in rows],
            shares,
            seed,
        )
        for index, split in zip(rows, dealt.splits, strict=True):
            splits[index] = split
        return dealt.notes

    if test and 0 < len(undecided) < len(pool):  # what is marked for training is no test
        notes = deal(undecided, test)
        return [*notes, *deal([index for index in pool if splits[index] == "train"], validation)]
    return list(deal(pool, test | validation)) if test or validation else []


def strata(labels: Sequence[str | float]) -> list[str]:
    """What is dealt out evenly: classes, or ten bands of a number with about as many images in each."""
    if not labels or isinstance(labels[0], str):
        return [str(label) for label in labels]
    numbers = np.asarray(labels, dtype=np.float64)
    bands = _BANDS if len(numbers) >= 10 * _BANDS else 1
    edges = np.quantile(numbers, np.linspace(0, 1, bands + 1)[1:-1])
    return [f"band {band}" for band in np.searchsorted(edges, numbers, side="right")]


def check_training(examples: Sequence[Example], splits: Sequence[Split | None], name: str) -> None:
    """Stop where a class has no image to train on.

    Raises:
        DataError: naming up to five such classes.
    """
    if "train" not in splits:
        raise DataError(f"{name} leaves no image to train on; its given splits: test or validation alone.")
    labels = {example.label for example in examples if isinstance(example.label, str)}
    trained = {r.label for r, split in zip(examples, splits, strict=True) if split == "train"}
    lacking = sorted(labels - trained)
    if lacking:
        raise DataError(
            f"{name}: no training image of class {quoted(lacking, 5)}. Move some there, or remove the class."
        )
