"""How good the learning rate is that `find-lr` proposes: beside other readings of its curve, and a grid.

    python benchmarks/learning_rates.py [two-conv/adamw …]

For each network and optimizer: what three seeds of the search propose, by four rules, and the validation
accuracy on `digits` after a short one-cycle training at each rate of a grid.
"""

import copy
import math
import sys
from dataclasses import replace
from itertools import islice

import torch

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.batches import epoch_batches
from convscope.data.survey import survey
from convscope.training.device import use_device
from convscope.training.learning_rate_finder import LearningRateSearch, search_for_job
from convscope.training.plan import plan_experiment
from convscope.training.preparation import Job, build_state, build_step, load_planned, prepare
from convscope.training.progress import Silent
from convscope.training.updating.schedules import learning_rate_factor

STEPS, BATCH, SEEDS = 120, 32, 3
GRIDS = {
    "two-conv/adamw": (1e-3, 3e-3, 1e-2, 3e-2),
    "two-conv/sgd": (1e-2, 3e-2, 1e-1, 3e-1),
    "conv4/adam": (3e-4, 1e-3, 3e-3, 1e-2),
    "fully-connected/sgd": (1e-3, 3e-3, 1e-2, 3e-2),
}
WIDE_START = {"network.initialiser": "normal", "network.initial_std": 1.0}
"""The fully connected network starts as in experiment E2, from N(0, 1): a hard case."""


def main() -> None:
    """Print a block for each network."""
    for name in sys.argv[1:] or GRIDS:
        network, _, optimizer = name.partition("/")
        changes = {
            "data.source": "digits",
            "network.name": network,
            "training.optimizer": optimizer,
            "training.batch_size": BATCH,
            "training.steps": STEPS,
            **(WIDE_START if network == "fully-connected" else {}),
        }
        config = override(ExperimentConfig(), changes)
        config = plan_experiment(config, survey(config.data)).config
        print(f"\n{name}, batch {BATCH}, {STEPS} steps")
        for seed in range(SEEDS):
            seeded = replace(config, seed=seed)
            job = prepare(seeded, load_planned(seeded), use_device(seeded.training), Silent())
            print(f"  seed {seed}: {readings(search_for_job(job))}", flush=True)
        job = prepare(config, load_planned(config), use_device(config.training), Silent())
        for rate in GRIDS[name]:
            print(f"  trained at {rate:.0e}: {accuracy_at(job, rate):.1%}", flush=True)


def readings(search: LearningRateSearch) -> str:
    """What four rules make of one curve."""
    logs = [math.log(rate) for rate in search.rates]
    slopes = [
        (late - early) / (after - before)
        for early, late, before, after in zip(
            search.smoothed, search.smoothed[1:], logs, logs[1:], strict=False
        )
    ]
    lowest = search.rates[search.smoothed.index(min(search.smoothed))]
    return (
        f"proposed {search.proposed:.2g}, a tenth of the lowest {lowest / 10:.2g}, "
        f"steepest {search.rates[slopes.index(min(slopes))]:.2g}, end of the fall {search.steep_to:.2g}"
    )


def accuracy_at(job: Job, peak: float) -> float:
    """Validation accuracy after a one-cycle training."""
    classifier = replace(job.classifier, network=copy.deepcopy(job.classifier.network))
    trial = replace(job, classifier=classifier)
    step, state = build_step(trial, seed=7), build_state(trial)
    epochs = (epoch_batches(len(step.train), BATCH, seed=7, epoch=epoch) for epoch in range(STEPS))
    for number, rows in enumerate(islice((rows for epoch in epochs for rows in epoch), STEPS)):
        rate = peak * learning_rate_factor("one-cycle", number, STEPS, 0.25)
        loss, _, _ = step.take(state, rows, rate)
        if not torch.isfinite(loss):
            return 0.0
    validation = job.dataset.validation
    measured = step.objective.measure(state.network, step.preprocessing, validation.images, validation.labels)
    return measured.accuracy or 0.0


if __name__ == "__main__":
    main()
