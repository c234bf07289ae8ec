"""How many steps fit into a time budget: measured on this machine, with this network and these images."""

import copy
import time
from dataclasses import replace

from convscope.data.batches import epoch_batches
from convscope.training.guard import FiniteGuard
from convscope.training.loop import Loop
from convscope.training.preparation import Job
from convscope.training.progress import Silent

WARM_UP = 2
MEASURED_SHARE = 0.04
FEWEST_MEASURED = 3
MOST_MEASURED = 50
MARGIN = 0.97
EVALUATED = 64
REPORT_SECONDS = 2.0


def evaluation_seconds(job: Job) -> float:
    """What the final evaluation of validation and test will take, with a little for the report."""
    images = job.dataset.train.images[:EVALUATED]
    if not len(images):
        return REPORT_SECONDS
    job.classifier.logits(images[:8])
    begun = time.perf_counter()
    job.classifier.logits(images)
    per_image = (time.perf_counter() - begun) / len(images)
    return REPORT_SECONDS + per_image * (len(job.dataset.validation) + len(job.dataset.test))


def steps_that_fit(loop: Loop, seconds: float) -> int:
    """Steps, validations between them included, that take `seconds` from now; at least one.

    Steps are timed on a copy of the training state, so that nothing of the training is used up.
    """
    started = time.perf_counter()
    scratch = replace(loop, state=copy.deepcopy(loop.state), progress=Silent())
    guard = FiniteGuard(scratch.state.network, loop.device)
    batches = epoch_batches(len(loop.dataset.train), loop.batch_size, seed=loop.seed, epoch=0)
    times: list[float] = []
    while len(times) < WARM_UP + MOST_MEASURED:
        begun = time.perf_counter()
        scratch.step(batches[len(times) % len(batches)], guard)
        times.append(time.perf_counter() - begun)
        spent = time.perf_counter() - started
        if len(times) >= WARM_UP + FEWEST_MEASURED and spent > MEASURED_SHARE * seconds:
            break
    per_step = sum(times[WARM_UP:]) / len(times[WARM_UP:])
    begun = time.perf_counter()
    scratch.measure_splits()
    per_validation = time.perf_counter() - begun
    left = MARGIN * seconds - (time.perf_counter() - started)
    return max(1, int(left / (per_step + per_validation / loop.steps_per_epoch)))
