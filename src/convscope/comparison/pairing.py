"""The same images under several classifiers: paired by their content, classes by their names."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from convscope.errors import DataError, DivergedError
from convscope.evaluation.errors import cross_entropy_per_image
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.together import are_together
from convscope.wording import quoted, shown, some

Key = tuple[str, int]
"""The hash of an image's content, and which of its copies it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Paired:
    """What M classifiers say about the images that all of them judged.

    Attributes:
        class_names: in the order of the first classifier; empty for regression.
        labels: `(n,)`: the true class, an index of `class_names`, or the true number.
        answers: `(M, n)`: the class, or the number, that each classifier gives.
        right: `(M, n)`: whether it is the true class; empty `(M, 0)` for regression.
        losses: `(M, n)`: cross-entropy in nats; for regression the absolute error in the target's unit.
        probabilities: `(M, n)`: what each gave to its answer; empty `(M, 0)` for regression.
        ids: of each image, its path in the first one's source.
        rows: `(M, n)`: where it stands in each classifier's own predictions.
        left_out: of each classifier, how many of its images the others did not judge.
        groups: `(n,)`, the number of those that an image belongs with; None where each stands for itself.
    """

    class_names: tuple[str, ...]
    labels: NDArray[Any]
    answers: NDArray[Any]
    right: NDArray[np.bool_]
    losses: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    ids: tuple[str, ...]
    rows: NDArray[np.int64]
    left_out: tuple[int, ...]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_regression(self) -> bool:
        """Whether the answers are numbers."""
        return not self.class_names

    def by_groups(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values `(M, n)` of images as they are counted: of groups, `(M, G)`, where images belong together.

        A group's value is the sum over its images, in units that leave the mean what it was: the mean of
        independent units then, whose variance is that of whole groups.
        """
        if self.groups is None:
            return values
        _, places = np.unique(self.groups, return_inverse=True)
        count = int(places.max()) + 1
        sums = [np.bincount(places, weights=each, minlength=count) for each in values]
        return np.stack(sums) * (count / len(places))


def pair(judged: Sequence[Predictions], names: Sequence[str]) -> Paired:
    """Pair the answers of several classifiers.

    Args:
        judged: of each classifier, on one split.
        names: of the classifiers, for messages.

    Raises:
        DataError: one answers with numbers and another with classes; they know other classes; they share no
            image; or an image has another truth in each.
        DivergedError: an answer is not finite.
    """
    for each, name in zip(judged, names, strict=True):
        if not np.isfinite(each.logits).all():
            raise DivergedError(
                f"{name} has answers that are not finite: it diverged, and cannot be compared"
            )
    _refuse_another_task(judged, names)
    class_names = judged[0].class_names
    logits = [
        _in_order_of(class_names, each, names[0], name) for each, name in zip(judged, names, strict=True)
    ]
    rows = _common_rows(judged, names)
    labels = _common_labels(judged, rows, names, class_names)
    chosen = [values[row] for values, row in zip(logits, rows, strict=True)]
    if class_names:
        answers = np.stack([values.argmax(axis=1) for values in chosen])
        losses = np.stack([cross_entropy_per_image(values, labels) for values in chosen])
        likely = [np.exp(log_softmax(values.astype(np.float64), axis=1).max(axis=1)) for values in chosen]
        right, probabilities = answers == labels, np.stack(likely)
    else:
        answers = np.stack([values[:, 0] for values in chosen])
        losses = np.abs(answers.astype(np.float64) - labels)
        right, probabilities = np.zeros((len(judged), 0), dtype=bool), np.zeros((len(judged), 0))
    return Paired(
        class_names=class_names,
        labels=labels,
        answers=answers,
        right=right,
        losses=losses,
        probabilities=probabilities,
        ids=tuple(judged[0].ids[row] for row in rows[0]),
        rows=np.stack(rows),
        left_out=tuple(len(each) - len(row) for each, row in zip(judged, rows, strict=True)),
        groups=_groups(judged, rows),
    )


def _groups(judged: Sequence[Predictions], rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """Of the images that all judged: as the first knows it whose images stand together at all."""
    known = (each.groups[row] for each, row in zip(judged, rows, strict=True) if each.groups is not None)
    return next((groups for groups in known if are_together(groups)), None)


def _refuse_another_task(judged: Sequence[Predictions], names: Sequence[str]) -> None:
    kinds = {each.is_regression for each in judged}
    if len(kinds) > 1:
        number = next(name for each, name in zip(judged, names, strict=True) if each.is_regression)
        classes = next(name for each, name in zip(judged, names, strict=True) if not each.is_regression)
        raise DataError(
            f"{number} answers with a number and {classes} with a class: neither can be better at the "
            "other's task. Compare runs of one --task"
        )


def _in_order_of(wanted: tuple[str, ...], judged: Predictions, first: str, name: str) -> NDArray[np.float32]:
    """The logits with their columns in the order of `wanted`: classes are matched by name."""
    if judged.class_names == wanted:
        return judged.logits
    here, there = set(wanted) - set(judged.class_names), set(judged.class_names) - set(wanted)
    if here or there:
        apart = [
            f"{whose} alone knows {quoted([shown(each) for each in sorted(classes)], 4)}"
            for whose, classes in ((first, here), (name, there))
            if classes
        ]
        raise DataError(
            f"{first} and {name} know other classes, so an error of one is no error of the other: "
            f"{'; '.join(apart)}.\nTrain both on the same classes"
        )
    return judged.logits[:, [judged.class_names.index(each) for each in wanted]]


def _keys(judged: Predictions) -> dict[Key, int]:
    """Where each image stands; copies are numbered, so that each has one partner."""
    seen: Counter[str] = Counter()
    found = {}
    for row, content in enumerate(judged.hashes):
        found[content, seen[content]] = row
        seen[content] += 1
    return found


def _common_rows(judged: Sequence[Predictions], names: Sequence[str]) -> list[NDArray[np.int64]]:
    keys = [_keys(each) for each in judged]
    shared = [key for key in keys[0] if all(key in each for each in keys[1:])]
    if not shared:
        other = next(
            (name for each, name in zip(keys, names, strict=True) if not keys[0].keys() & each), names[-1]
        )
        raise DataError(
            f"{names[0]} and {other} were judged on other images: none is the same, by content. A "
            "comparison needs the same test images.\nTrain both on the same data with the same --split-seed, "
            "or on a source that has its own test images"
        )
    return [np.array([each[key] for key in shared], dtype=np.int64) for each in keys]


def _common_labels(
    judged: Sequence[Predictions],
    rows: Sequence[NDArray[np.int64]],
    names: Sequence[str],
    class_names: tuple[str, ...],
) -> NDArray[Any]:
    labels = judged[0].labels[rows[0]]
    for each, row, name in zip(judged[1:], rows[1:], names[1:], strict=True):
        theirs: NDArray[Any] = each.labels[row]
        if class_names:
            theirs = np.array([class_names.index(known) for known in each.class_names])[theirs]
        differing = np.flatnonzero(theirs != labels)
        if len(differing):
            at = int(differing[0])
            truths: tuple[Hashable, Hashable] = (labels[at], theirs[at])
            if class_names:
                truths = (class_names[int(labels[at])], class_names[int(theirs[at])])
            raise DataError(
                f"{some(len(differing), 'image')} of {len(labels):,} have another truth in {name} than in "
                f"{names[0]}, first {shown(judged[0].ids[rows[0][at]])}: {truths[1]}, not {truths[0]}.\n"
                "The labels changed between the two trainings: train both on the same"
            )
    return labels
