"""The learning-rate finder: the rate grows from far too small to far too large, and the loss is watched.

The range test of Smith 2015, "Cyclical Learning Rates for Training Neural Networks", and 2018, "A disciplined
approach to neural network hyper-parameters", with a rate that grows exponentially and a smoothed loss.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from convscope.config.asked import ExperimentConfig, OptimizerName
from convscope.data.augmentation import Augmentation
from convscope.data.batches import derive_seed, epoch_batches
from convscope.data.dataset import ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.errors import DivergedError
from convscope.training.objective import Objective, even_class_weights
from convscope.training.optimizers import build_optimizer, set_learning_rate
from convscope.training.preparation import Job, choose_precision, load_planned, prepare, use_device
from convscope.training.progress import Silent

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
    config: ExperimentConfig, *, num_steps: int = NUM_STEPS, on_step: Callable[[int], None] | None = None
) -> LearningRateSearch:
    """Search a learning rate for an experiment with nothing left open (see `plan_experiment`).

    Raises:
        DivergedError: no rate makes the loss fall.
        DataError, RunError, UsageError: as in training.
    """
    device = use_device(config)
    return search_for_job(
        prepare(config, load_planned(config), device, Silent()), num_steps=num_steps, on_step=on_step
    )


def search_for_job(
    job: Job, *, num_steps: int = NUM_STEPS, on_step: Callable[[int], None] | None = None
) -> LearningRateSearch:
    """Search a learning rate for a fit that is prepared; its classifier stays as it is.

    Raises:
        DivergedError: no rate makes the loss fall.
    """
    training, target = job.config.training, job.classifier.target
    assert training.optimizer is not None
    assert training.batch_size is not None
    weights = None
    if training.balance == "loss":
        weights = even_class_weights(job.dataset.train.labels, target.num_outputs).to(job.device)
    return search_learning_rate(
        job.classifier.network,
        job.dataset.train,
        job.classifier.preprocessing,
        Augmentation.from_text(job.config.augmentation.preset or "none"),
        Objective(target, training.label_smoothing or 0.0, weights),
        training.optimizer,
        batch_size=training.batch_size,
        weight_decay=training.weight_decay or 0.0,
        momentum=training.momentum,
        rate_scales={},
        seed=job.config.seed,
        device=job.device,
        precision=choose_precision(training.precision, job.device, job.classifier.network),
        num_steps=num_steps,
        on_step=on_step,
    )


def search_learning_rate(
    network: nn.Module,
    train: ImageSet,
    preprocessing: Preprocessing,
    augmentation: Augmentation,
    objective: Objective,
    optimizer_name: OptimizerName,
    *,
    batch_size: int,
    weight_decay: float,
    momentum: float,
    rate_scales: dict[str, float],
    seed: int,
    device: torch.device,
    precision: torch.dtype = torch.float32,
    num_steps: int = NUM_STEPS,
    on_step: Callable[[int], None] | None = None,
) -> LearningRateSearch:
    """Train a copy of a network for a moment, at a rate that grows with every step.

    The network, its mode and the random state are afterwards as they were, also after an error. Images,
    augmentation and dropout draw from a stream of their own, made from the seed.

    Args:
        network: what training would start from, on any device.
        rate_scales: parameter name -> factor on the rate; the rates of the search are before this factor.
        precision: of the activations, as in training.
        num_steps: rates to try, evenly spaced on a logarithmic scale.
        on_step: called with the number of steps done.

    Raises:
        DivergedError: no rate makes the loss fall, or it is not finite from the start.
    """
    copied = copy.deepcopy(network).to(device)
    trial = _Trial(
        copied,
        build_optimizer(
            copied, optimizer_name, weight_decay=weight_decay, momentum=momentum, rate_scales=rate_scales
        ),
        preprocessing,
        augmentation,
        objective,
        device,
        precision,
        derive_seed(seed, "learning-rate-finder"),
    )
    curve = _Curve()
    rates = rates_to_try(optimizer_name, num_steps)
    batches = _endless_batches(len(train), batch_size, trial.seed)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for step, (rate, indices) in enumerate(zip(rates, batches, strict=False)):
            loss = trial.take_step(step, rate, train.images[indices], train.labels[indices])
            if not curve.add(rate, loss):
                break
            if on_step is not None:
                on_step(step + 1)
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


@dataclass(frozen=True, eq=False)
class _Trial:
    """A copy of the network in training, which nobody will miss."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    preprocessing: Preprocessing
    augmentation: Augmentation
    objective: Objective
    device: torch.device
    precision: torch.dtype
    seed: int

    def take_step(self, step: int, rate: float, images: Tensor, labels: Tensor) -> float:
        """One update, as in the training loop; returns the loss before it."""
        changed, targets = self.augmentation.apply(
            images.to(self.device),
            labels.to(self.device),
            num_classes=self.objective.target.num_outputs,
            seed=self.seed,
            step=step,
        )
        torch.manual_seed(derive_seed(self.seed, "step", step))  # what dropout draws from
        self.network.train()
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            outputs = self.network(self.preprocessing.standardise(changed, in_place=True))
        loss = self.objective.loss(outputs.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        set_learning_rate(self.optimizer, rate)
        self.optimizer.step()
        return loss.item()


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


def _endless_batches(num_images: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """The indices of step after step, epoch after epoch."""
    epoch = 0
    while True:
        yield from epoch_batches(num_images, batch_size, seed=seed, epoch=epoch)
        epoch += 1
