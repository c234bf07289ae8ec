"""Does the network start so that it can learn: is the signal alive on its way, and is it unsure at first?"""

import math

from convscope.config.asked import NetworkConfig, TrainingConfig
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Verdict
from convscope.diagnosis.starting import advise_start, has_choice_of_weights
from convscope.inspection.signals.passage import LayerWeights, Passage, Stage
from convscope.wording import rounded, some

_EXPLODES = 1000.0
"""Times larger at the answer than in the first layer. Chosen after a look at eighteen starts, by which He's
and Glorot's stay far inside of it (some of them: tests/unit/diagnosis/test_start.py)."""
_VANISHES = 0.02
_SURE = 10.0
"""Times ln(num_classes): a start by He's rule, without normalisation, comes to 3 or so."""
_LARGE_STEP = 3.0
"""Times a weight's own size, in one step: what it was is then forgotten. A usual step is a thousandth of it,
and small networks learn well at a peak of once their size (benchmarks/diagnosis/healthy.py)."""


def signal(start: Passage, network: NetworkConfig) -> Verdict:
    """Whether the values keep their size from the first layer to the answer.

    A layer of zeros is no fault where the answers differ all the same, for then it is in a branch that starts
    closed; nor is the last one, where the first step moves it.
    """
    advice, right = advise_start(network), _right_size(start)
    lost = _lost(start)
    if lost is not None:
        said = f"the values of {lost.name} are {'all alike' if lost.values == 0 else 'not finite'}"
        finding = Finding(
            name="signal-lost", severity="error", sentence=said, evidence=right, advice=advice, p=0.0
        )
        return Verdict(findings=(finding,), fine="")
    stages = _alive(start)
    if not stages:
        return Verdict(fine="its only layer starts at 0, and the first step moves it")
    first, last, layers = stages[0], stages[-1], len(stages)
    ratio = last.values / first.values
    growth = ratio ** (1 / max(1, layers - 1))
    path = f"standard deviation {rounded(first.values)} → {rounded(last.values)} over {some(layers, 'layer')}"
    path += f" (×{rounded(growth, 2)} a layer)"
    evidence = f"{path}; {right}"
    if _explodes(start):
        said = "the values explode on their way"
        finding = Finding(
            name="signal-explodes", severity="error", sentence=said, evidence=evidence, advice=advice, p=0.0
        )
        return Verdict(findings=(finding,), fine="")
    if ratio < _VANISHES:
        said = "the values vanish on their way"
        finding = Finding(
            name="signal-vanishes", severity="error", sentence=said, evidence=evidence, advice=advice, p=0.0
        )
        return Verdict(findings=(finding,), fine="")
    return Verdict(fine=f"the values keep their size: {path}")


def start_loss(start: Passage, class_names: tuple[str, ...], network: NetworkConfig) -> Verdict:
    """Whether the network knows at first that it knows nothing."""
    unsure = math.log(len(class_names))
    knows = f"where a network that knows nothing has ln {len(class_names)} = {unsure:.2f}"
    if math.isfinite(start.loss) and start.loss <= _SURE * unsure:
        return Verdict(fine=f"loss {rounded(start.loss)} at the start, {knows}")
    explodes = _explodes(start)
    has_advice = has_choice_of_weights(network) and not explodes
    finding = Finding(
        name="start-sure",
        severity="warning",
        sentence=f"loss {rounded(start.loss)} at the start, {knows}: it is sure, and wrong",
        evidence="it follows from values that explode" if explodes else "",
        advice="Give the last layer smaller weights: --last-initialiser xavier" if has_advice else "",
        p=0.0,
    )
    return Verdict(findings=(finding,), fine="")


def step_size(start: Passage, training: TrainingConfig) -> Verdict:
    """Whether a step is small beside the weights that it moves; of Adam, whose steps do not depend on slopes.

    Karpathy ("A recipe for training neural networks", 2019) asks for updates of about a thousandth.
    """
    if training.optimizer not in ("adam", "adamw"):
        raise AbsentError(f"the steps of {training.optimizer} are as long as the slopes are steep")
    if len(start.stages) == 1:
        raise AbsentError("a network of one layer has nothing to forget: large steps do it no harm")
    rate = training.learning_rate or 0.0
    sizes = sorted(rate / max(each.size, 1e-30) for each in start.weights)
    middle = sizes[len(sizes) // 2]
    said = f"each step moves a weight by {rounded(middle, 2)} times its size, at the peak of the schedule"
    if middle <= _LARGE_STEP:
        return Verdict(fine=said)
    finding = Finding(
        name="rate-too-high",
        severity="error",
        sentence=f"the learning rate of {rounded(rate, 2)} is too high for these weights",
        evidence=said,
        advice=f"Train with --learning-rate {rate / middle / 10:.1g}, or ask: convscope find-lr",
        p=0.0,
    )
    return Verdict(findings=(finding,), fine="")


def _lost(start: Passage) -> Stage | None:
    """The first layer whose values are no numbers, or are alike so that all answers are."""
    broken = next((each for each in start.stages if not math.isfinite(each.values)), None)
    if broken is not None or start.answers_differ or start.answers_nothing_yet:
        return broken
    return next((each for each in start.stages if each.values == 0), None)


def _alive(start: Passage) -> list[Stage]:
    return [each for each in start.stages if each.values > 0]


def _explodes(start: Passage) -> bool:
    stages = _alive(start)
    return bool(stages) and stages[-1].values > _EXPLODES * stages[0].values


def _right_size(start: Passage) -> str:
    """Of the layer that is furthest from it, the size of its weights and the one that would be right."""
    own = [each for each in start.weights if not each.leaves_zero] or start.weights
    worst = max(own, key=lambda each: abs(math.log(max(each.size, 1e-30) / _right(each))))
    shape = "×".join(str(side) for side in (*worst.shape[2:], *worst.shape[1:2]))
    size = f"weights of {worst.name} have standard deviation {rounded(worst.size)}"
    return f"{size}; He's for its {shape} inputs is {rounded(_right(worst))}"


def _right(weights: LayerWeights) -> float:
    """He et al., "Delving deep into rectifiers" (2015): the standard deviation that keeps the variance."""
    return math.sqrt(2 / weights.fan_in)
