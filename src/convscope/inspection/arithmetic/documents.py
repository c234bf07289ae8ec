"""Steps as plain values, for JSON, and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.inspection.arithmetic.steps import (
    Bent,
    Combined,
    Floats,
    Normalised,
    Part,
    Place,
    Pooled,
    Scaled,
    Step,
    WeightedSum,
    Window,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictionPath:
    """The values along one way from the image to an answer.

    Attributes:
        output: the number of the output that is followed.
        steps: from the image to the output; each reads the value of the step before, and more.
        logits: (num_outputs,), of all outputs.
        pixel: where the way begins: channel, row and column of the image.
    """

    output: int
    steps: tuple[Step, ...]
    logits: tuple[float, ...]
    pixel: Place

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "output": self.output,
            "steps": [step_to_dict(step) for step in self.steps],
            "logits": list(self.logits),
            "pixel": list(self.pixel),
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "PredictionPath":
        """The inverse of `to_dict`."""
        channel, row, column = values["pixel"]
        return PredictionPath(
            output=values["output"],
            steps=tuple(step_from_dict(each) for each in values["steps"]),
            logits=tuple(values["logits"]),
            pixel=(channel, row, column),
        )


def step_to_dict(step: Step) -> dict[str, Any]:
    """For JSON: the kind of step and all that it shows, with the sum reckoned again as `computed`."""
    kinds = {each: name for name, each in _KINDS.items()}
    return {"step": kinds[type(step)], **{name: _plain(value) for name, value in vars(step).items()}} | {
        "computed": step.computed
    }


def step_from_dict(values: dict[str, Any]) -> Step:
    """The inverse of `step_to_dict`.

    Raises:
        KeyError, TypeError, ValueError: for a document that is not one of those.
    """
    kind = _KINDS[values["step"]]
    given = {name: value for name, value in values.items() if name not in ("step", "computed")}
    for name, value in given.items():
        if name == "windows":
            given[name] = tuple(
                Window(unit=each["unit"], inputs=_floats(each["inputs"]), weights=_floats(each["weights"]))
                for each in value
            )
        elif name == "parts":
            given[name] = tuple(Part(**{**each, "place": tuple(each["place"])}) for each in value)
        elif name == "inputs":
            given[name] = _floats(value)
        elif name == "inside":
            given[name] = np.array(value, dtype=bool)
        elif name == "spread":
            given[name] = tuple(value)
    return kind(**given)


_KINDS: dict[str, type[Step]] = {
    "weighted sum": WeightedSum,
    "normalisation": Normalised,
    "non-linearity": Bent,
    "pooling": Pooled,
    "combination": Combined,
    "scale": Scaled,
}


def _floats(value: Any) -> Floats:
    return np.array(value, dtype=np.float32)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Window | Part):
        return {name: _plain(each) for name, each in vars(value).items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
