"""Does it fail on some images of a class: the dark ones, the pale ones?

Found on one half of the images held out and confirmed on the other, since of many groups the worst is bad by
chance: after Chung et al., "Slice finder" (2019), with the search and the test kept apart.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from convscope.diagnosis.finding import MOST_IMAGES, Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.proportion import Proportion
from convscope.wording import percent, shown, some

_MARGIN = 0.25
"""Of the images: that a part of a class is harder than the rest by less is as usual."""
_FEWEST = 5
_CONFIRMED = 3

Group = tuple[str, int, NDArray[np.bool_]]
"""What it is called, its class, and which images (N,) are in it."""


def failing_groups(held_out: Predictions, measured: Mapping[str, NDArray[np.float64]]) -> Verdict:
    """Whether a third of a class by brightness or contrast is wrong far more often than the rest of it.

    Args:
        held_out: the answers to N images.
        measured: by name, a value (N,) of each image: `brightness`, `contrast`.
    """
    wrong = held_out.predicted != held_out.labels
    first = np.random.default_rng(0).permutation(len(wrong)) < len(wrong) // 2
    groups = list(_thirds(held_out, measured, first))
    if not groups:
        raise AbsentError("too few images of a class are held out to divide them")
    scored = sorted(groups, key=lambda group: -_excess(group, held_out.labels, wrong, first)[0])
    findings = []
    for name, label, members in scored[:_CONFIRMED]:
        z, inside, outside = _excess((name, label, members), held_out.labels, wrong, ~first)
        p = min(1.0, _CONFIRMED * float(ndtr(-z)))
        worst = np.flatnonzero(members & wrong)
        if p < 0.5 and len(worst):
            finding = Finding(
                name="failing-group",
                severity="warning",
                sentence=f"it fails on {name} images of “{held_out.class_names[label]}”",
                evidence=f"{_said(inside)} of them are wrong, and {_said(outside)} of the class's others; "
                "found on one half of the images held out and counted on the other; first "
                f"{shown(held_out.ids[worst[0]])}",
                advice="Add training images like them, or --augmentation that makes such",
                p=p,
                images=tuple(held_out.ids[row] for row in worst[:MOST_IMAGES]),
            )
            findings.append(finding)
    return Verdict(
        findings=tuple(findings), fine=f"no third of a class stands out, of {some(len(groups), 'group')}"
    )


def _thirds(
    held_out: Predictions, measured: Mapping[str, NDArray[np.float64]], first: NDArray[np.bool_]
) -> Iterator[Group]:
    words = {"brightness": ("dark", "bright"), "contrast": ("pale", "strong")}
    for what, values in measured.items():
        for label in range(len(held_out.class_names)):
            of_class = held_out.labels == label
            if min((of_class & first).sum(), (of_class & ~first).sum()) < 3 * _FEWEST:
                continue
            low, high = np.quantile(values[of_class & first], [1 / 3, 2 / 3])
            yield words[what][0], label, of_class & (values <= low)
            yield words[what][1], label, of_class & (values >= high)


def _excess(
    group: Group, labels: NDArray[np.int64], wrong: NDArray[np.bool_], half: NDArray[np.bool_]
) -> tuple[float, Proportion, Proportion]:
    """By how many standard errors a group's share of wrong answers is above its class's and the margin."""
    _, label, members = group
    inside, outside = (
        Proportion(int((wrong & part).sum()), int(part.sum()))
        for part in (members & half, (labels == label) & ~members & half)
    )
    if min(inside.n, outside.n) < _FEWEST:
        return -math.inf, inside, outside
    shares = [(each.correct + 1) / (each.n + 2) for each in (inside, outside)]
    error = math.sqrt(sum(s * (1 - s) / (e.n + 2) for s, e in zip(shares, (inside, outside), strict=True)))
    return (shares[0] - shares[1] - _MARGIN) / error, inside, outside


def _said(share: Proportion) -> str:
    return f"{percent(share.value)} ({share.correct:,} of {share.n:,})"
