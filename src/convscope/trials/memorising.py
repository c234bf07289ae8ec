"""Can it learn a few training images by heart? What cannot do that will not learn many.

Karpathy, "A recipe for training neural networks" (2019): "overfit one batch". A network, a rate and labels
that belong together do it in some hundred steps; where they do not, other rates and another start are tried,
so that the finding says which of them was in the way.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from convscope.config.experiment_file import override
from convscope.config.resolved import ResolvedExperiment, resolve
from convscope.data.dataset import Dataset
from convscope.diagnosis.evidence import Evidence
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import AbsentError, Diagnosis, Passed
from convscope.networks.pretrained import is_pretrained
from convscope.training.device import use_device
from convscope.training.preparation import Job, build_state, build_step, prepare
from convscope.training.progress import Silent
from convscope.trials.growth.curve import stratified_order
from convscope.wording import rounded, some
from convscope.work import counted

IMAGES, STEPS = 32, 300
_LOOK_EVERY = 10
_QUESTION = "memory"
_PLAIN: dict[str, Any] = {
    "training.steps": STEPS,
    "training.schedule": "constant",
    "training.weight_decay": 0.0,
    "training.label_smoothing": 0.0,
    "training.balance": "none",
    "training.ema": None,
    "training.early_stopping": None,
    "training.batch_size": IMAGES,
    "augmentation.preset": "none",
}
"""What only helps on other images is left out: here it would be in the way."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One way of learning some images by heart.

    Attributes:
        changes: of the configuration, beside what is left out of all; empty for the run as it is.
        steps: after which all were right; or how many were taken, or were possible.
        right: of the images, in the end.
        images: how many there are.
        diverged: whether numbers were not finite any more.
    """

    changes: dict[str, Any]
    steps: int
    right: int
    images: int
    diverged: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether all were right."""
        return self.right == self.images

    def __str__(self) -> str:
        how = " and ".join(_said(name, value) for name, value in self.changes.items()) or "as it is"
        if self.diverged:
            return f"{how}: it diverged after {some(self.steps, 'step')}"
        return f"{how}: {self.right} of {self.images} right after {some(self.steps, 'step')}"


def memorise(evidence: Evidence) -> Diagnosis:
    """Whether a network learns 32 of its training images by heart, from its start.

    Raises:
        AbsentError: where that is no question: a pretrained network, numbers, fewer than two classes.
    """
    if is_pretrained(evidence.config.network.name):
        raise AbsentError("its head is fitted exactly: it learns whatever its features hold")
    names, data = evidence.class_names, evidence.dataset
    rows = stratified_order(data.train.labels.tolist(), range(len(data.train)), evidence.config.seed)[:IMAGES]
    if len(names) < 2 or len(rows) < 2:
        raise AbsentError("there are too few training images")
    some_images = replace(
        data, train=data.train.take(rows), validation=data.train.take(()), test=data.train.take(())
    )
    attempts: list[Attempt] = []
    for changes in counted(_ways(evidence.config), "way of learning some images by heart"):
        attempts.append(_attempt(evidence.config, some_images, changes))
        if attempts[-1].succeeded:
            break
    return _concluded(attempts)


def _ways(config: ResolvedExperiment) -> list[dict[str, Any]]:
    rate = config.training.learning_rate
    return [
        {},
        {"training.learning_rate": _figure(rate / 10)},
        {"training.learning_rate": _figure(rate * 10)},
        {"training.learning_rate": _figure(rate / 100)},
        {"network.initialiser": "he", "network.initial_scale": 1.0},
    ]


def _figure(rate: float) -> float:
    """A rate as one would type it."""
    return float(f"{rate:.2g}")


def _attempt(config: ResolvedExperiment, data: Dataset, changes: dict[str, Any]) -> Attempt:
    changed = resolve(override(config, _PLAIN | changes))
    job = prepare(changed, data, use_device(changed.training), Silent())
    state, step = build_state(job), build_step(job, changed.seed)
    everything, count = torch.arange(len(data.train)), len(data.train)
    right = 0
    for taken in range(1, STEPS + 1):
        loss, outputs, targets = step.take(state, everything, changed.training.learning_rate)
        if taken % _LOOK_EVERY and taken < STEPS:
            continue
        if not math.isfinite(loss.item()):
            return Attempt(changes=changes, steps=taken, right=right, images=count, diverged=True)
        right = max(int((outputs.argmax(1) == targets).sum()), _right_in_evaluation(job, data))
        if right == count:
            return Attempt(changes=changes, steps=taken, right=right, images=count)
    return Attempt(changes=changes, steps=STEPS, right=right, images=count)


def _right_in_evaluation(job: Job, data: Dataset) -> int:
    """Without dropout; with batch normalisation by what was measured so far."""
    answers = job.classifier.logits(data.train.images[:]).argmax(1).cpu()
    return int((answers == data.train.labels).sum())


def _concluded(attempts: list[Attempt]) -> Diagnosis:
    first, last = attempts[0], attempts[-1]
    images = some(first.images, "training image")
    if first.succeeded:
        said = f"it learns {images} by heart in {some(first.steps, 'step')}"
        return Diagnosis(findings=(), passed=(Passed(name=_QUESTION, said=said),), skipped=())
    tried = "; ".join(map(str, attempts))
    if last.succeeded:
        flags = " ".join(_flag(name, value) for name, value in last.changes.items())
        finding = Finding(
            name="memorises-otherwise",
            severity="warning",
            sentence=f"as it is it cannot learn {images} by heart",
            evidence=tried,
            advice=f"Train with {flags}",
        )
    else:
        finding = Finding(
            name="cannot-memorise",
            severity="error",
            sentence=f"it cannot learn {images} by heart, whatever was tried",
            evidence=tried,
            advice="Look at these images with their labels (convscope data), and try a larger network",
        )
    return Diagnosis(findings=(replace(finding, kind=_QUESTION),), passed=(), skipped=())


def _said(name: str, value: Any) -> str:
    words = {"training.learning_rate": "at a learning rate of", "network.initialiser": "started by"}
    shown = rounded(value, 2) if isinstance(value, float) else str(value)
    return f"{words.get(name, 'with a scale of')} {shown}"


def _flag(name: str, value: Any) -> str:
    flag = {"network.initial_scale": "--initial-scale", "network.initialiser": "--initialiser"}
    return (
        f"{flag.get(name, '--learning-rate')} {value:g}"
        if isinstance(value, float)
        else f"{flag[name]} {value}"
    )
