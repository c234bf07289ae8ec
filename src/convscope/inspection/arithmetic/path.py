"""From the answer back to the pixels, along what contributed most: one prediction, step by step."""

import numpy as np

from convscope.errors import UsageError
from convscope.inspection.arithmetic.documents import PredictionPath
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
"""Units that a sum over single values shows one by one; one over maps shows that on the way alone."""


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
    most = _CHANNELS if step.inside.size == 1 else 1
    kept = [*through, *(window for window in step.windows if window.unit != place[0])][:most]
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
