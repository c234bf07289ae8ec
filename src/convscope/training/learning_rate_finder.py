"""The learning-rate finder: a rate that grows from far too small to far too large, and the loss on its way.

Smith 2015, "Cyclical Learning Rates for Training Neural Networks" (the range test), and 2018, "A disciplined
approach to neural network hyper-parameters", with the rate growing exponentially and the loss smoothed.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convscope.config.experiment import OptimizerName
from convscope.data.augmentation import Augmentation
from convscope.data.batches import derive_seed, epoch_batches
from convscope.data.dataset import ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.errors import ConvscopeError, DivergedError
from convscope.training.objective import Objective
from convscope.training.optimizers import build_optimizer, set_learning_rate

SMOOTHING = 0.9
DIVERGED = 4.0
"""The search ends when the smoothed loss is this many times the lowest so far."""


@dataclass(frozen=True, kw_only=True)
class LearningRateSearch:
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    diverged_at: float | None


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
    num_steps: int = 100,
) -> LearningRateSearch:
    rates = exponential_rates(optimizer_name, num_steps)
    seed = derive_seed(seed, "learning-rate-finder")
    trial = copy.deepcopy(network).to(device)
    optimizer = build_optimizer(
        trial, optimizer_name, weight_decay=weight_decay, momentum=momentum, rate_scales=rate_scales
    )
    losses = []
    smoothed = []
    diverged = None
    average = 0.0
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for step, (rate, indices) in enumerate(zip(rates, _endless(len(train), batch_size, seed))):
            images, labels = augmentation.apply(
                train.images[indices].to(device),
                train.labels[indices].to(device),
                num_classes=objective.target.num_outputs,
                seed=seed,
                step=step,
            )
            torch.manual_seed(derive_seed(seed, "step", step))
            trial.train()
            loss = objective.loss(trial(preprocessing.standardise(images)).float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            set_learning_rate(optimizer, rate)
            optimizer.step()
            value = loss.item()
            average = SMOOTHING * average + (1 - SMOOTHING) * value
            s = average / (1 - SMOOTHING ** (step + 1))
            if not math.isfinite(value) or (smoothed and s > DIVERGED * min(smoothed)):
                diverged = rate
                break
            losses.append(value)
            smoothed.append(s)
    return LearningRateSearch(
        rates=tuple(rates[: len(losses)]),
        losses=tuple(losses),
        smoothed=tuple(smoothed),
        diverged_at=diverged,
    )


def exponential_rates(n, num):
    lo, hi = {"sgd": (1e-5, 10.0), "adam": (1e-6, 1.0), "adamw": (1e-6, 1.0)}.get(n, (1e-6, 1.0))
    return np.geomspace(lo, hi, num).tolist()


def _endless(n, b, seed):
    e = 0
    while True:
        yield from epoch_batches(n, b, seed=seed, epoch=e)
        e += 1
