"""What images held out from training taught about a classifier's answers; it travels with the classifier.

Three promises are made from it, each true of images like those of training, and each with the number of
images that it rests on: how often such an image is called unknown, how often a set of classes holds the right
one, and how many of the answers that are given are wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.classifier.held_out.alarms import false_alarms_by
from convscope.classifier.held_out.familiarity import Familiarity

DOUBT = 0.05
"""A risk that is asked for is kept to with 95 % confidence."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOut:
    """Answers to images that the network was not fitted on.

    Attributes:
        confidence: (n,), the probability of the likeliest class; empty for regression.
        true: (n,), the probability of the right class.
        right: (n,), whether the two are one.
        unlikeness: (m,), ascending: how unlike the training images each is; empty where it was not measured.
        familiarity: what training images are to the network; None where that was not measured.
        folds: how many classifiers judged them, each those that it had not seen; 0 where one judged them all.
    """

    confidence: Floats
    true: Floats
    right: NDArray[np.bool_]
    unlikeness: Floats
    familiarity: Familiarity | None = None
    folds: int = 0

    @property
    def n(self) -> int:
        """How many images the probabilities are known of."""
        return len(self.confidence)

    @property
    def false_alarms(self) -> float:
        """Which share of images like those of training is called unknown, in the long run."""
        return false_alarms_by(len(self.unlikeness))

    def likeness(self, unlikeness: Floats) -> Floats:
        """The share of images like those of training that are as unlike them or more, (N,) of (N,).

        A conformal p-value (Vovk, Gammerman and Shafer, 2005): of new images like those held out it is at
        most 1 / (n + 1), 2 / (n + 1) … just as often, whatever the measure.
        """
        as_unlike = len(self.unlikeness) - np.searchsorted(self.unlikeness, unlikeness, side="left")
        shares: Floats = (as_unlike + 1) / (len(self.unlikeness) + 1)
        return shares

    def is_unknown(self, likeness: Floats) -> NDArray[np.bool_]:
        """Whether images are so unlike those of training that the answer is "unknown", (N,)."""
        return np.asarray(likeness <= self.false_alarms)

    def least_probability(self, level: float) -> float:
        """A class is possible from this probability on: so the right one is among the possible with `level`.

        Split conformal prediction (Vovk et al. 2005; Sadinle, Lei and Wasserman, "Least ambiguous set-valued
        classifiers with bounded error levels", 2019): of n + 1 images like each other, the last one's right
        class has at least the ⌈(n + 1) · level⌉-th greatest probability with that chance. It is nought where
        n images are too few for the level.
        """
        rank = math.ceil((self.n + 1) * level - 1e-9)
        return 0.0 if rank > self.n else float(np.sort(self.true)[self.n - rank])

    def confidence_for_coverage(self, coverage: float) -> float:
        """From which confidence on to answer, so that this share of images held out is answered."""
        if not self.n:
            return 0.0
        return float(np.sort(self.confidence)[::-1][max(0, math.ceil(coverage * self.n - 1e-9) - 1)])

    def confidence_for_risk(self, risk: float) -> float:
        """From which confidence on to answer, so that with 95 % confidence this share is wrong at most.

        Geifman and El-Yaniv, "Selective classification for deep neural networks" (2017): a search by halves
        for the least confidence whose answers to images held out are wrong seldom enough by Clopper and
        Pearson's bound, its doubt shared among the steps of the search. Infinite where none is.
        """
        from scipy.special import bdtri  # which the first step of a training need not wait for

        order = np.argsort(-self.confidence, kind="stable")
        confidence, wrong = self.confidence[order], np.cumsum(~self.right[order])
        steps = max(1, math.ceil(math.log2(max(2, self.n))))
        low, high, found = 0, self.n, math.inf
        while low < high:
            middle = (low + high + 1) // 2
            answered = int((confidence >= confidence[middle - 1]).sum())
            errors = int(wrong[answered - 1])
            bound = 1.0 if errors == answered else float(bdtri(errors, answered, DOUBT / steps))
            if bound <= risk:
                found, low = float(confidence[middle - 1]), middle
            else:
                high = middle - 1
        return found

    def answered(self, confidence_from: float) -> tuple[int, int]:
        """How many images held out are answered from a confidence on, and how many of them wrongly."""
        given = self.confidence >= confidence_from
        return int(given.sum()), int((given & ~self.right).sum())

    def to_dict(self) -> dict[str, Any]:
        """What an answer rests on, for JSON."""
        measured = len(self.unlikeness)
        return {
            "n": self.n or measured,
            "folds": self.folds,
            "false_alarms": self.false_alarms or None,
        }
