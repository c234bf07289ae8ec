"""Do the gradients keep their size on their way back, so that the first layer learns as the last one does?"""

import math
from itertools import pairwise, takewhile

from convscope.config.asked import NetworkConfig
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.starting import advise_start
from convscope.inspection.signals.passage import LayerWeights, Passage, Stage
from convscope.wording import rounded, some

_EXPLODES = 1000.0
"""Times larger in front of the first non-linearity than of the last."""
_VANISHES = 1e-3
"""Of the networks of the catalogue, started by their own rule, none comes near either
(tests/unit/diagnosis/test_gradients.py)."""


def gradients(start: Passage, network: NetworkConfig) -> Verdict:
    """Whether the loss's gradients grow or shrink from layer to layer on their way back.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), ask
    for one variance of the gradients in all layers, as of the values. A branch that starts closed has none in
    it until the first step opens it, and is left out.
    """
    stages = start.stages[:-1]  # the answer's own gradient does not depend on weights
    if start.answers_nothing_yet:
        raise AbsentError("its last layer starts at 0, and lets no gradient through before the first step")
    lost = _lost(start, stages)
    if lost is not None:
        what = "is 0 for all images" if lost.gradient == 0 else "is not finite"
        finding = Finding(
            name="gradient-lost",
            severity="error",
            sentence=f"no gradient comes to {lost.name}: at the start it {what}",
            evidence=_right_size(start, lost.name),
            advice=advise_start(network),
            p=0.0,
        )
        return Verdict(findings=(finding,), fine="")
    stages = tuple(each for each in stages if each.gradient > 0)
    if len(stages) < 2:
        raise AbsentError("fewer than two layers have a gradient to hand on")
    first, last = stages[0].gradient, stages[-1].gradient
    ratio, layers = first / last, len(stages)
    said = f"RMS {rounded(last)} in {stages[-1].name} → {rounded(first)} in {stages[0].name}, "
    said += f"over {some(layers, 'layer')} (×{rounded(ratio ** (1 / (layers - 1)), 2)} a layer)"
    if _VANISHES <= ratio <= _EXPLODES:
        return Verdict(fine=f"gradients keep their size on the way back: {said}")
    vanishes = ratio < _VANISHES
    worst = _worst_step(stages, vanishes)
    advice = advise_start(network)
    evidence = f"{said}; {_right_size(start, worst)}"
    if vanishes:
        finding = Finding(
            name="gradient-vanishes",
            severity="error",
            sentence="the gradients vanish on their way back: the first layers hardly learn",
            evidence=evidence,
            advice=advice,
            p=0.0,
        )
    else:
        finding = Finding(
            name="gradient-explodes",
            severity="error",
            sentence="the gradients explode on their way back",
            evidence=evidence,
            advice=advice,
            p=0.0,
        )
    return Verdict(findings=(finding,), fine="")


def _lost(start: Passage, stages: tuple[Stage, ...]) -> Stage | None:
    """The layer from which on, back to the image, no gradient is left; or the last one where it is no number.

    A layer without gradient, with one that has some nearer to the image, is in a branch that starts closed:
    residual networks whose branches end in zeros learn around them first (Goyal et al., "Accurate, large
    minibatch SGD", 2017). So may the first non-linearities be, where the first layer itself is reached.
    """
    broken = next((each for each in reversed(stages) if math.isnan(each.gradient)), None)
    if broken is not None or any(each.gradient > 0 for each in start.weights[:1]):
        return broken
    dead = list(takewhile(lambda each: each.gradient == 0, stages))
    return dead[-1] if dead else None


def _worst_step(stages: tuple[Stage, ...], vanishes: bool) -> str:
    """The layer behind which the gradient changes most."""
    changes = {
        behind.name: math.log(before.gradient / behind.gradient) for before, behind in pairwise(stages)
    }
    return min(changes, key=lambda name: changes[name] * (1 if vanishes else -1))


def _right_size(start: Passage, name: str) -> str:
    """Of the layer that gives these values, the size of its weights beside the one that keeps gradients."""
    own = next((each for each in start.weights if each.name == name), None)
    if own is None:
        return f"the step is worst behind {name}"
    return (
        f"the step is worst through {name}, whose weights have standard deviation {rounded(own.size)}; "
        f"what keeps the gradients' size is {rounded(_keeping(own))}"
    )


def _keeping(weights: LayerWeights) -> float:
    """He et al. (2015), backwards: by how many values each input's gradient is summed up from."""
    return math.sqrt(2 / (weights.shape[0] * math.prod(weights.shape[2:])))
