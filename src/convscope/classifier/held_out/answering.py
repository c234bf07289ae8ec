"""Answers that keep a promise: a set that holds the right class, or none where too many would be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from convscope.classifier.held_out.record import DOUBT, HeldOut
from convscope.classifier.prediction import Prediction, chance
from convscope.errors import UsageError
from convscope.wording import percent, some


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What answers shall keep to, of images like those of training.

    Attributes:
        sets: with this chance the right class is among the possible ones of an image.
        risk: at most this share of the answers that are given is wrong, with 95 % confidence.
        coverage: this share of the images is answered, the surest ones.
    """

    sets: float | None = None
    risk: float | None = None
    coverage: float | None = None

    def __post_init__(self) -> None:
        for name, share in (("sets", self.sets), ("risk", self.risk), ("coverage", self.coverage)):
            if share is not None and not 0 < share < 1:
                raise UsageError(f"--{name}: {share:g} must lie between 0 and 1, as 0.95 does")
        if self.risk is not None and self.coverage is not None:
            raise UsageError("--risk and --coverage both say when to abstain; give one of them")

    def __bool__(self) -> bool:
        return any(each is not None for each in (self.sets, self.risk, self.coverage))


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How a promise is kept, by what images held out showed.

    Attributes:
        promise: what was asked for.
        held_out: what it rests on.
        confidence_from: less sure answers are not given; infinite where none can be.
        probability_from: a class is possible from it on; 0 where the images are too few for less than all.
    """

    promise: Promise
    held_out: HeldOut
    confidence_from: float = 0.0
    probability_from: float | None = None

    @staticmethod
    def of(promise: Promise, held_out: HeldOut | None) -> Keeping:
        """The thresholds for a promise.

        Raises:
            UsageError: when nothing was measured on images held out, or the answers are numbers.
        """
        if held_out is None or not held_out.n:
            raise UsageError(
                "this classifier knows no answers to images held out, by which --sets, --risk and --coverage "
                "are kept to. Train again: with validation images, or with --folds 5"
            )
        confidence_from = 0.0
        if promise.risk is not None:
            confidence_from = held_out.confidence_for_risk(promise.risk)
        if promise.coverage is not None:
            confidence_from = held_out.confidence_for_coverage(promise.coverage)
        least = None if promise.sets is None else held_out.least_probability(promise.sets)
        return Keeping(
            promise=promise,
            held_out=held_out,
            confidence_from=confidence_from,
            probability_from=least,
        )

    def apply(self, answers: Iterable[Prediction]) -> list[Prediction]:
        """The same answers, with their sets, and without those that are not sure enough."""
        return [
            replace(each, abstains=self._abstains(each), possible=self._possible(each)) for each in answers
        ]

    def _abstains(self, answer: Prediction) -> bool:
        return answer.probability < self.confidence_from

    def _possible(self, answer: Prediction) -> tuple[str, ...] | None:
        if self.probability_from is None:
            return None
        ranked = answer.likeliest(len(answer.probabilities))
        return tuple(
            name for place, (name, share) in enumerate(ranked) if place == 0 or share >= self.probability_from
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what was asked for, the thresholds, and on how many images they rest."""
        values: dict[str, Any] = {"n": self.held_out.n, "folds": self.held_out.folds}
        if self.probability_from is not None:
            values["sets"] = {"level": self.promise.sets, "probability_from": self.probability_from}
        if self.promise.risk is not None or self.promise.coverage is not None:
            answered, wrong = self.held_out.answered(self.confidence_from)
            values["abstaining"] = {
                "risk": self.promise.risk,
                "coverage": self.promise.coverage,
                "confidence_from": self.confidence_from if math.isfinite(self.confidence_from) else None,
                "held_out": {"answered": answered, "wrong": wrong},
            }
        return values

    @property
    def said(self) -> list[str]:
        """In a sentence each."""
        lines, where = [], f"the {some(self.held_out.n, 'image')} held out"
        if self.promise.sets is not None:
            level = percent(self.promise.sets, 1)
            if self.probability_from == 0:
                lines.append(f"{where} are too few for sets of {level}: every class is possible")
            else:
                lines.append(f"of images like {where}, {level} have their class among the possible ones")
        if self.promise.risk is not None or self.promise.coverage is not None:
            lines.append(self._said_of_abstaining(where))
        return lines

    def _said_of_abstaining(self, where: str) -> str:
        answered, wrong = self.held_out.answered(self.confidence_from)
        if not answered:
            return f"no answer is given: {where} do not show that so few of any answers would be wrong"
        promised = f"the surest {percent(self.promise.coverage or 0.0, 1)} are answered"
        if self.promise.risk is not None:
            most = percent(self.promise.risk, 1)
            promised = f"with {percent(1 - DOUBT)} confidence at most {most} of them are wrong"
        return (
            f"answers are given from {chance(self.confidence_from)} on: {promised}; "
            f"of {where} {answered:,} have one, {wrong:,} of them a wrong one"
        )
