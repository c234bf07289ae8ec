"""From the answer back to the pixels, along what contributed most: one prediction, step by step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.errors import UsageError
from convscope.inspection.arithmetic.documents import step_from_dict, step_to_dict
from convscope.inspection.arithmetic.explaining import explain_step, inputs_of
from convscope.inspection.arithmetic.steps import (
    Combined,
    Normalised,
    Place,
    Pooled,
    Scaled,
    Step,
    WeightedSum,
)
from convscope.inspection.arithmetic.trace import Trace

_CHANNELS = 3


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


def strongest_path(trace: Trace, output: int | None = None) -> PredictionPath:
    """Follow an output back: at each weighted sum to the input whose product speaks for it most.

    A way of many: the others are summed in each step. At a largest-of it goes to the winner, at a mean to
    the largest, at a residual sum to the larger part.

    Args:
        trace: of the image.
        output: the number of the output; the largest unless given.

    Raises:
        UsageError: where an operator on the way is none whose arithmetic is known.
    """
    logits = trace.logits
    chosen = int(logits.argmax()) if output is None else output
    if not 0 <= chosen < len(logits):
        raise UsageError(f"there is no output {chosen}: there are {len(logits)}, counted from 0")
    at, place, sign = trace.visible(len(trace.nodes) - 1), (chosen, 0, 0), 1.0
    steps: list[Step] = []
    while trace.nodes[at].kind != "image":
        whole = explain_step(trace, at, place, None if _weighs(trace, at) else _CHANNELS)
        at, place, sign = _further(trace, whole, sign)
        steps.append(_shortened(whole, place))
    return PredictionPath(
        output=chosen, steps=tuple(reversed(steps)), logits=tuple(logits.tolist()), pixel=place
    )


def _weighs(trace: Trace, at: int) -> bool:
    return trace.nodes[at].kind in ("convolution", "linear")


def _further(trace: Trace, step: Step, sign: float) -> tuple[int, Place, float]:
    """The value behind a step that speaks for it most, and whether by being large (+) or small (−)."""
    if isinstance(step, WeightedSum):
        return _strongest_input(trace, step, sign)
    if isinstance(step, Combined):
        options = inputs_of(trace, step)
        part = max(range(2), key=lambda each: sign * step.parts[each].value)
        return (*options[part], sign)
    if isinstance(step, Normalised):
        sign *= np.sign(step.gain) or 1.0
    if isinstance(step, Scaled):
        sign *= np.sign(step.factor) or 1.0
    ((source, place),) = inputs_of(trace, step)
    if isinstance(step, Pooled) and step.how == "mean":
        place = (step.unit, *step.winner)
    return source, place, sign


def _strongest_input(trace: Trace, step: WeightedSum, sign: float) -> tuple[int, Place, float]:
    speaking = np.stack([sign * window.products for window in step.windows])
    speaking[:, ~step.inside] = -np.inf  # the way ends at a pixel, not in the padding
    window, row, column = np.unravel_index(int(speaking.argmax()), speaking.shape)
    read = step.windows[window]
    place = (
        read.unit,
        step.top + int(row) * step.spread[0],
        step.left + int(column) * step.spread[1],
    )
    return trace.find(step.source), place, sign * (np.sign(read.weights[row, column]) or 1.0)


def _shortened(step: Step, place: Place) -> Step:
    """A weighted sum with few of its windows: the strongest, and the one that the way goes through."""
    if not isinstance(step, WeightedSum):
        return step
    through = [window for window in step.windows if window.unit == place[0]]
    kept = [*through, *(window for window in step.windows if window.unit != place[0])][:_CHANNELS]
    kept.sort(key=lambda window: -abs(window.sum))
    others = [window for window in step.windows if not any(window is each for each in kept)]
    known = {**vars(step), "windows": tuple(kept)}
    return WeightedSum(
        **known
        | {
            "rest": step.rest + sum(window.sum for window in others),
            "rest_size": step.rest_size + sum(float(np.abs(window.products).sum()) for window in others),
        }
    )
