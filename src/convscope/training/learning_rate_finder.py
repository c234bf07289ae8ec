"""The learning-rate finder: the rate grows from far too small to far too large, and the loss is watched.

The range test of Smith 2015, "Cyclical Learning Rates for Training Neural Networks", and 2018, "A disciplined
approach to neural network hyper-parameters", with a rate that grows exponentially and a smoothed loss.
"""

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from convscope.config.asked import OptimizerName
from convscope.config.length import Steps
from convscope.config.resolved import ResolvedExperiment
from convscope.data.batches import derive_seed, epoch_batches
from convscope.errors import DivergedError, UsageError
from convscope.training.device import fork_random_state, use_device
from convscope.training.fine_tuning.stages import soften_head
from convscope.training.preparation import (
    Job,
    build_state,
    build_step,
    fit_head_first,
    load_planned,
    prepare,
    sampling_weights,
)
from convscope.training.progress import Silent
from convscope.training.state import TrainingState
from convscope.training.step import TrainingStep

NUM_STEPS = 100
SMOOTHING = 0.9
"""Decay of the moving average; at 100 steps over six decades it lags by about half a decade."""
DIVERGED = 4.0
"""The search ends where the smoothed loss is this many times the lowest so far."""
NEAR_LOWEST = 0.1
BELOW_VALLEY = 3.0
BELOW_EXPLOSION = 10.0
"""The proposal is the middle of the valley, where the loss is within a tenth of its fall of the lowest,
divided by 3; and a tenth of the rate at which the loss explodes, if that is lower. A tenth of the rate of the
lowest loss is steady but too small, most so for plain gradient descent; the steepest point is noise
(benchmarks/learning_rates.py)."""
START_SHARE = 0.1
"""Rates of this first part of the search are too small to change the loss: its level there is the start."""
STEEP_SHARES = (0.1, 0.9)
LEAST_FALL = 0.02
"""A smaller fall, as a share of the loss at the start, is taken for noise."""


@dataclass(frozen=True, kw_only=True)
class LearningRateSearch:
    """The loss at each rate that was tried, and what follows from it."""

    rates: tuple[float, ...]
    """Rising, one a step, as far as the loss was finite."""
    losses: tuple[float, ...]
    """Of each step's batch, before its update."""
    smoothed: tuple[float, ...]
    """Bias-corrected exponential moving average of the losses."""
    proposed: float
    """The peak learning rate to train with: two digits, no more are known."""
    steep_from: float
    """The smoothed loss has made a tenth of its fall here …"""
    steep_to: float
    """… and nine tenths here."""
    diverged_at: float | None
    """The rate at which the search stopped because the loss exploded; None when it came to its end."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def find_learning_rate(
    config: ResolvedExperiment, *, num_steps: int = NUM_STEPS, on_step: Callable[[int], None] | None = None
) -> LearningRateSearch:
    """Search a learning rate for an experiment.

    Raises:
        DivergedError: no rate makes the loss fall.
        DataError, RunError, UsageError: as in training.
    """
    job = prepare(config, load_planned(config), use_device(config.training), Silent())
    return search_for_job(job, num_steps=num_steps, on_step=on_step)


def search_for_job(
    job: Job, *, num_steps: int = NUM_STEPS, on_step: Callable[[int], None] | None = None
) -> LearningRateSearch:
    """Search a learning rate for a fit that is prepared; its classifier stays as it is.

    A copy takes the steps that training would take: what is frozen is frozen, stages have their rates, and a
    pretrained network starts from its fitted head. Images, augmentation and dropout draw from a stream of
    their own, made from the seed.

    Raises:
        UsageError: nothing is trained at a rate.
        DivergedError: no rate makes the loss fall, or it is not finite from the start.
    """
    if job.config.training.length == Steps(0):
        raise UsageError(
            "no step is taken, so there is no learning rate to find: "
            f"{'the head is fitted exactly' if job.is_pretrained else '--steps is 0'}"
        )
    classifier = replace(job.classifier, network=copy.deepcopy(job.classifier.network))
    trial = replace(job, classifier=classifier)
    training = job.config.training
    with fork_random_state(job.device):
        if trial.is_pretrained:
            fit_head_first(trial)
            if not training.frozen:
                soften_head(classifier.network, training.head_scale)
        step = build_step(trial, derive_seed(job.config.seed, "learning-rate-finder"))
        state = replace(build_state(trial), average=None)
        try:
            return search_learning_rate(step, state, sampling_weights(trial), num_steps, on_step)
        except DivergedError as error:
            if not job.is_pretrained:
                raise
            fell = str(error).partition("\n")[0]
            raise DivergedError(f"{fell}\nThe fitted head may be as good as it gets; try --frozen") from None


def search_learning_rate(
    step: TrainingStep,
    state: TrainingState,
    weights: Tensor | None,
    num_steps: int,
    on_step: Callable[[int], None] | None,
) -> LearningRateSearch:
    """Take steps at a rate that grows with every one of them.

    Args:
        step: whose random numbers are the search's own.
        state: moves; nobody should miss it.
        weights: `(N,)`, how often each image is drawn; None for all alike.
        num_steps: rates to try, evenly spaced on a logarithmic scale.
        on_step: called with the number of steps done.

    Raises:
        DivergedError: no rate makes the loss fall, or it is not finite from the start.
    """
    curve = _Curve()
    batches = _endless_batches(len(step.train), step.config.batch_size, step.seed, weights)
    for rate, indices in zip(rates_to_try(step.config.optimizer, num_steps), batches, strict=False):
        loss, _, _ = step.take(state, indices, rate)
        if not curve.add(rate, loss.item()):
            break
        if on_step is not None:
            on_step(state.step)
    return curve.conclude()


def rates_to_try(optimizer_name: OptimizerName, num_steps: int) -> list[float]:
    """Six decades of rates, evenly spaced on a logarithmic scale.

    Plain gradient descent takes larger ones; momentum 0.9 moves ten times as far at the same rate, and Adam
    moves each weight by about the rate itself.
    """
    lowest = 1e-5 if optimizer_name == "sgd" else 1e-6
    return [lowest * 10 ** (6 * step / max(1, num_steps - 1)) for step in range(num_steps)]


def propose(
    rates: Sequence[float], smoothed: Sequence[float], diverged_at: float | None = None
) -> tuple[float, float, float]:
    """What a curve of loss against rate says.

    Returns:
        The rate to take, and the rates between which the loss makes most of its fall.

    Raises:
        DivergedError: the loss does not fall.
    """
    opening = smoothed[: max(1, round(START_SHARE * len(smoothed)))]
    start, lowest = sum(opening) / len(opening), min(smoothed)
    if start - lowest < LEAST_FALL * abs(start):
        raise DivergedError(
            f"no learning rate from {rates[0]:.1g} to {rates[-1]:.1g} makes the loss fall: it stays at "
            f"{start:.3g}.\nThe weights it starts from are a likely cause; try --initialiser he"
        )
    early, late = (start - share * (start - lowest) for share in STEEP_SHARES)
    end = next(index for index, loss in enumerate(smoothed) if loss <= late)
    # Counted from the end of the fall: the noise of the first batches may dip below as well.
    begin = next((index for index in range(end, -1, -1) if smoothed[index] > early), 0)
    valley = [
        math.log(rate)
        for rate, loss in zip(rates, smoothed, strict=True)
        if loss <= lowest + NEAR_LOWEST * (start - lowest)
    ]
    proposed = math.exp(sum(valley) / len(valley)) / BELOW_VALLEY
    if diverged_at is not None:
        proposed = min(proposed, diverged_at / BELOW_EXPLOSION)
    return float(f"{proposed:.1e}"), rates[begin], rates[end]


@dataclass
class _Curve:
    """Loss against rate, as it grows."""

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)
    diverged_at: float | None = None
    _average: float = 0.0

    def add(self, rate: float, loss: float) -> bool:
        """Note one step; returns whether to go on."""
        if not math.isfinite(loss):
            self.diverged_at = rate
            return False
        self._average = SMOOTHING * self._average + (1 - SMOOTHING) * loss
        self.rates.append(rate)
        self.losses.append(loss)
        self.smoothed.append(self._average / (1 - SMOOTHING ** len(self.rates)))
        if self.smoothed[-1] > DIVERGED * min(self.smoothed):
            self.diverged_at = rate
        return self.diverged_at is None

    def conclude(self) -> LearningRateSearch:
        """The result of the search."""
        if not self.rates:
            raise DivergedError(
                "the loss is not finite before the first update.\n"
                "The weights it starts from are too large; try --initialiser he"
            )
        proposed, steep_from, steep_to = propose(self.rates, self.smoothed, self.diverged_at)
        return LearningRateSearch(
            rates=tuple(self.rates),
            losses=tuple(self.losses),
            smoothed=tuple(self.smoothed),
            proposed=proposed,
            steep_from=steep_from,
            steep_to=steep_to,
            diverged_at=self.diverged_at,
        )


def _endless_batches(num_images: int, batch_size: int, seed: int, weights: Tensor | None) -> Iterator[Tensor]:
    """The indices of step after step, epoch after epoch."""
    for epoch in itertools.count():
        yield from epoch_batches(num_images, batch_size, seed=seed, epoch=epoch, weights=weights)
