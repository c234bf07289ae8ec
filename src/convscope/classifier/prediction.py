"""What a classifier says of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from convscope.classifier.target import Target


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Attributes:
        path: where the image came from; `image 3` for one that came as pixels.
        class_name, probability: the likeliest class; for regression the number as text, and nan.
        probabilities: of every class, `{name: probability}`.
        value: the predicted number, for regression.
        outside: whether `value` lies outside the range seen in training.
    """

    path: str
    class_name: str
    probability: float
    probabilities: dict[str, float]
    value: float | None = None
    outside: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `class` is the class's name."""
        if self.value is not None:
            return {"path": self.path, "value": self.value, "outside_training_range": self.outside}
        return {
            "path": self.path,
            "class": self.class_name,
            "probability": self.probability,
            "probabilities": self.probabilities,
        }


def describe_outputs(target: Target, outputs: Tensor, names: Sequence[str]) -> list[Prediction]:
    """Outputs `(N, num_outputs)`, as `Classifier.logits` gives them, in words."""
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
    return Prediction(name, f"{value:.2f}", float("nan"), {}, value=value, outside=outside)
