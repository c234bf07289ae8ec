"""How long a look will take, foretold from a few passes of the network on this machine.

A question costs passes of images through the network, forward or there and back, whose time is measured; and
what is computed and drawn besides, whose constants `benchmarks/look_times.py` measured. The script also shows
how far what is foretold here lies from what a look takes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convscope.inspection.borrowing import borrowed, device_of
from convscope.looking.patches import COUNT, MOST_IMAGES, UNITS_PROJECTED
from convscope.looking.plan import SAMPLE, Plan, reads_the_image
from convscope.looking.signals import images_measured
from convscope.looking.subject import MOST_JUDGED, Subject
from convscope.looking.wants import MOST_CLASSES, steps_for
from convscope.looking.wants import UNITS as UNITS_WANTING
from convscope.looking.where import STEPS, windows
from convscope.work import working

_IMAGES, _IMAGES_HEAVY = 32, 8  # fewer are kept in the cache, and flatter
_GUIDED = 3.0
"""How many times longer a pass takes whose way back is changed in every non-linearity."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds that this machine takes for one image: forward, and forward and backward."""

    forward: float
    both: float


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much there is to look at.

    Attributes:
        images: whose maps are shown.
        cases: rows of an image and a class to ask where the network sees it.
        limit: at most so many training images in the search for patches.
    """

    images: int
    cases: int
    limit: int | None = None


def measure_pace(subject: Subject, plan: Plan, clock: Callable[[], float] = time.perf_counter) -> Pace:
    """Time a few blank images, after one that warms up."""
    count = _IMAGES_HEAVY if plan.is_heavy else _IMAGES
    blank = torch.zeros(count, *subject.image_shape, dtype=torch.uint8)
    images = subject.standardised(blank).to(device_of(subject.network)).requires_grad_(True)
    with (
        borrowed(subject.network),
        torch.enable_grad(),
        working("timing a few images", 3, is_counted=False) as timing,
    ):
        _there_and_back(subject.network, images[:1])
        timing.advance()
        begun = clock()
        _there_and_back(subject.network, images)
        turned = clock()
        timing.advance()
        with torch.no_grad():
            subject.network(images).sum().item()
        ended = clock()
    return Pace(forward=(ended - turned) / count, both=(turned - begun) / count)


def foretell(subject: Subject, plan: Plan, amount: Amount, pace: Pace) -> dict[str, float]:
    """About how many seconds each question takes."""
    height, width = subject.image_shape[1:]
    pixels, layers = height * width, len(plan.layers)
    train, judged = len(subject.dataset.train), min(len(subject.judging), MOST_JUDGED)
    searched = min(train, MOST_IMAGES if amount.limit is None else amount.limit)
    deeper = sum(not reads_the_image(subject, layer) for layer in plan.layers)
    wanting = layers * UNITS_WANTING + min(len(subject.class_names) or 2, MOST_CLASSES)
    return {
        "filters": 0.1 * max(1, len(plan.filters)),
        "maps": amount.images * layers * (pace.forward + 0.05 + 2e-6 * pixels),
        "patches": (searched + min(train, SAMPLE)) * pace.forward + layers * (0.4 + 1.5e-6 * pixels),
        "projection": deeper * (UNITS_PROJECTED * COUNT * _GUIDED * pace.both + 0.1 + 1.2e-5 * pixels),
        "where": amount.cases
        * (STEPS * pace.both + windows(subject, plan.is_heavy) * pace.forward + 0.03 + 4.5e-6 * pixels),
        "wants": wanting * (steps_for(plan.is_heavy) * pace.both + 0.01 + 5e-7 * pixels),
        "histograms": 5 * min(train, images_measured(plan.is_heavy)) * pace.forward + 1.1,
        "plane": judged * (pace.forward + 0.0045) + 0.2,
    }


def _there_and_back(network: nn.Module, images: Tensor) -> None:
    (gradients,) = torch.autograd.grad(network(images).sum(), images)
    gradients.sum().item()  # a device that computes on its own is waited for
