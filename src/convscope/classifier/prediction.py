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

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `class` is the class's name, and `faint` is there for faint images alone."""
        return self._answer() | ({"faint": self.faint} if self.faint else {})

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
        unsure = ("not sure",) if self.value is None and not self.is_sure else ()
        return unsure + faint + ("outside the range seen in training",) * self.outside

    def _said(self) -> str:
        if self.value is not None:
            return self.class_name
        return " · ".join(f"{name} {chance(share)}" for name, share in self.likeliest(3))

    def _repr_html_(self) -> str:
        name, *remarks = self.path, *self.remarks
        if self.value is not None:
            return box(title(self.class_name, name), *map(line, remarks))
        rows = [(name, bar(share), chance(share)) for name, share in self.likeliest()]
        head = ("class", "", "probability")
        return box(thumbnail(self.path), title(name), table(head, rows, first_numbers=2), *map(line, remarks))

    @property
    def is_sure(self) -> bool:
        """Whether the likeliest class stands out: see `SURE_FROM`; for regression, whether it is in range."""
        if self.value is not None:
            return not self.outside
        first, second = sorted((*self.probabilities.values(), 0.0), reverse=True)[:2]
        return first >= SURE_FROM and first >= SURE_BY * second

    def _answer(self) -> dict[str, Any]:
        if self.value is not None:
            return {"path": self.path, "value": self.value, "outside_training_range": self.outside}
        return {
            "path": self.path,
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
    for name, finite in zip(names, outputs.isfinite().all(1).tolist(), strict=True):
        if not finite:
            raise DivergedError(
                f"the network's answer to {name} is not a finite number. "
                "Use an earlier checkpoint, or train with a lower learning rate"
            )
    if target.task == "regression":
        return [
            _describe_number(target, name, value)
            for name, value in zip(names, outputs[:, 0].tolist(), strict=True)
        ]
    predictions = []
    for name, row in zip(names, outputs.double().softmax(1), strict=True):
        best = int(row.argmax())
        probabilities = dict(zip(target.class_names, row.tolist(), strict=True))
        predictions.append(Prediction(name, target.class_names[best], float(row[best]), probabilities))
    return predictions


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
