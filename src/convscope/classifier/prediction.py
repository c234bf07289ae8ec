"""What a classifier says of one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from convscope.classifier.target import Target
from convscope.classifier.thumbnails import thumbnail
from convscope.errors import DivergedError
from convscope.notebook import bar, box, line, table, title
from convscope.wording import percent

UNKNOWN, NO_ANSWER = "unknown", "no answer"
_MOST_DECIMALS = 9
SURE_FROM, SURE_BY = 0.5, 2.0
"""An answer is sure where the likeliest class has at least half of all probability, and twice that of the
next. That is said of these probabilities alone: how often answers are right is measured by `convscope
evaluate`, and an image unlike those of training may be answered wrongly, and surely."""


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Attributes:
        path: where the image came from; `image 3` for one that came as pixels.
        class_name, probability: the likeliest class; for regression the number as text, and nan.
        probabilities: of every class, `{name: probability}`.
        value: the predicted number, for regression.
        outside: whether `value` lies outside the range seen in training.
        faint: why hardly anything can be seen in the image; empty where something can.
        likeness: the share of images like those of training that look at least as unlike them as this one
            does; None where nothing was measured on images held out.
        unknown: whether that share is so small that the answer is "unknown": no class is an answer to such an
            image, however sure it is.
        differs: in which ways the image plainly differs from those of training, for an unknown one.
        abstains: whether it is not sure enough for the risk or the coverage that was asked for.
        possible: the classes of which one is right as often as was asked for, the likeliest first; None where
            that was not asked for.

    >>> import convscope as cs
    >>> [prediction] = cs.predict("runs/photos", "new.png")
    >>> prediction.class_name, 0.5 < prediction.probability <= 1
    ('bee', True)
    >>> [name for name, _ in prediction.likeliest()]
    ['bee', 'ant']
    """

    path: str
    class_name: str
    probability: float
    probabilities: dict[str, float]
    value: float | None = None
    outside: bool = False
    faint: str = ""
    likeness: float | None = None
    unknown: bool = False
    differs: tuple[str, ...] = ()
    abstains: bool = False
    possible: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON. `answer` is what to go by: the class's name, "unknown", or None where it abstains.

        `class` is the likeliest class whatever the answer. `faint` is there for faint images alone, and
        `possible` where it was asked for.
        """
        values = self._answer() | {
            "unknown": self.unknown,
            "likeness": self.likeness,
            "differs": list(self.differs),
            "abstains": self.abstains,
        }
        if self.possible is not None:
            values["possible"] = list(self.possible)
        return values | ({"faint": self.faint} if self.faint else {})

    @property
    def answer(self) -> str | float | None:
        """What to go by: the likeliest class or the number, `UNKNOWN`, or None where it abstains."""
        if self.unknown:
            return UNKNOWN
        if self.abstains:
            return None
        return self.class_name if self.value is None else self.value

    @property
    def is_answered(self) -> bool:
        """Whether the answer is a class or a number, neither "unknown" nor none."""
        return not (self.unknown or self.abstains)

    def likeliest(self, most: int = 5) -> list[tuple[str, float]]:
        """The classes of greatest probability, the likeliest first; none for regression."""
        ranked = sorted(self.probabilities.items(), key=lambda each: -each[1])
        return ranked[:most]

    def __str__(self) -> str:
        return f"{self.path}: {' · '.join([self._said(), *self.remarks])}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known before the answer is believed; empty where there is nothing to say."""
        faint = (f"shows hardly anything ({self.faint}): the answer means little",) if self.faint else ()
        if self.unknown:
            how = f" ({', '.join(self.differs)})" if self.differs else ""
            return (f"unlike the training images{how}", *faint)
        unsure = ("not sure",) if self.value is None and not self.is_sure else ()
        return (
            unsure
            + (NO_ANSWER,) * self.abstains
            + faint
            + ("outside the range seen in training",) * self.outside
        )

    def _said(self) -> str:
        if self.value is not None:
            return self.class_name
        likeliest = " · ".join(f"{name} {chance(share)}" for name, share in self.likeliest(3))
        return f"{UNKNOWN}, likeliest {likeliest}" if self.unknown else likeliest

    def _repr_html_(self) -> str:
        name, *remarks = self.path, *self.remarks
        if self.value is not None:
            return box(title(self.class_name, name), *map(line, remarks))
        rows = [(name, bar(share), chance(share)) for name, share in self.likeliest()]
        head = ("class", "", "probability")
        return box(thumbnail(self.path), title(name), table(head, rows, first_numbers=2), *map(line, remarks))

    @property
    def is_sure(self) -> bool:
        """Whether the likeliest class stands out: see `SURE_FROM`; for regression, whether it is in range.

        Never of an unknown image.
        """
        if self.unknown:
            return False
        if self.value is not None:
            return not self.outside
        first, second = sorted((*self.probabilities.values(), 0.0), reverse=True)[:2]
        return first >= SURE_FROM and first >= SURE_BY * second

    def _answer(self) -> dict[str, Any]:
        if self.value is not None:
            numbers = {"value": self.value, "outside_training_range": self.outside}
            return {"path": self.path, "answer": self.answer, **numbers}
        return {
            "path": self.path,
            "answer": self.answer,
            "class": self.class_name,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "sure": self.is_sure,
        }


def chance(share: float) -> str:
    """A probability as `93.2 %`; never 0 or 100, which no answer of a network is worth."""
    return percent(min(max(share, 1e-9), 1 - 1e-9), 1)


def describe_outputs(target: Target, outputs: Tensor, names: Sequence[str]) -> list[Prediction]:
    """Outputs `(N, num_outputs)`, as `Classifier.logits` gives them, in words.

    Raises:
        DivergedError: an output is not finite.
    """
    finite = outputs.isfinite()
    if not finite.all():
        first = names[finite.all(1).tolist().index(False)]
        raise DivergedError(
            f"the network's answer to {first} is not a finite number. "
            "Use an earlier checkpoint, or train with a lower learning rate"
        )
    if target.task == "regression":
        return [
            _describe_number(target, name, value)
            for name, value in zip(names, outputs[:, 0].tolist(), strict=True)
        ]
    shares = outputs.double().softmax(1)
    return [
        Prediction(name, target.class_names[best], row[best], dict(zip(target.class_names, row, strict=True)))
        for name, row, best in zip(names, shares.tolist(), shares.argmax(1).tolist(), strict=True)
    ]


def _describe_number(target: Target, name: str, value: float) -> Prediction:
    outside = not target.low <= value <= target.high
    return Prediction(name, _number(value, target.std), float("nan"), {}, value=value, outside=outside)


def _number(value: float, scale: float) -> str:
    """To a hundredth of what the targets deviate by, whatever their unit: 43.2 years, 0.00000123 farad."""
    if not (math.isfinite(value) and scale > 0):
        return f"{value:g}"
    decimals = 2 - math.floor(math.log10(scale))
    if decimals > _MOST_DECIMALS:
        return f"{value:.{max(0, decimals + math.floor(math.log10(abs(value) or scale)))}e}"
    return f"{value:.{max(0, decimals)}f}"
