"""Experiments that train nothing of their own: what each kind measures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from convscope.config.asked import ExperimentConfig, TrainingConfig
from convscope.config.experiment_file import Published
from convscope.config.kinds import FeaturesSetting, RaceSetting, SummarySetting, TimingSetting
from convscope.errors import UsageError
from convscope.runs.environment import describe_environment
from convscope.runs.folder import Run
from convscope.training.device import choose_precision, use_device
from convscope.trials.cards.figures import Measured
from convscope.trials.claims import Claim

MOST_IMAGES = 10_000
"""Shown to a network whose units' strongest patches are looked for."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What came of such an experiment.

    Attributes:
        figures: by the names that the experiment's file gives them.
        claims: what the source says in words, each held against what was measured.
        details: all that was measured, for the card.
        environment: the machine, where it matters.
        incomparable: why its figures cannot be compared with the source's, where they cannot.
    """

    figures: dict[str, Measured] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    incomparable: str | None = None


def examine(experiment: Published, *, scale: float, run_of: Callable[[str], Run]) -> Examined:
    """Measure what an experiment of one of the kinds in `config/kinds.py` asks for.

    Args:
        experiment: what to measure.
        scale: share of the batches that are timed, or of the images that are shown.
        run_of: the finished first run of another experiment, made if need be.
    """
    begun = time.perf_counter()
    match experiment.setting:
        case SummarySetting():
            found = _table(experiment.setting)
        case RaceSetting():
            found = _race(experiment.setting)
        case TimingSetting():
            found = _timing(experiment.setting, scale)
        case FeaturesSetting():
            found = _features(experiment.setting, scale, run_of)
        case ExperimentConfig():
            raise TypeError("a training is reproduced by its trainings")
    environment = describe_environment(device=torch.device("cpu"), seed=0)
    return Examined(
        figures=found.figures,
        claims=found.claims,
        details=found.details,
        environment=found.environment or environment,
        seconds=time.perf_counter() - begun,
        incomparable=found.incomparable,
    )


def _table(setting: SummarySetting) -> Examined:
    from convscope.trials.vgg_table import measure_vgg

    if setting.network != "vgg16":
        raise UsageError(
            f"summary.network = '{setting.network}' is not allowed; the source's table is of vgg16"
        )
    table = measure_vgg()
    return Examined(
        figures={
            f"weights of layer {number}": Measured(value=layer.measured)
            for number, layer in enumerate(table.layers, start=1)
        },
        claims=table.claims,
        details=table.to_dict(),
    )


def _race(setting: RaceSetting) -> Examined:
    from convscope.trials.race.judging import judge
    from convscope.trials.race.racing import race

    raced = race(steps=setting.steps)
    return Examined(claims=judge(raced), details=raced.to_dict())


def _timing(setting: TimingSetting, scale: float) -> Examined:
    from convscope.benchmarking.benchmark import Amount, measure_benchmark
    from convscope.benchmarking.subject import subject_network
    from convscope.benchmarking.workload import Setting, Workload

    amount = Amount(
        batch_sizes=setting.batch_sizes,
        batches=max(2, round(setting.batches * scale)),
        burn_in=max(1, round(setting.burn_in * scale)),
    )
    network, shape = subject_network(setting.network)
    device = use_device(TrainingConfig())
    how = Setting(
        device=device,
        precision=choose_precision("auto", device, network),
        layout="channels-last",
        compiled=False,
        threads=torch.get_num_threads(),
    )
    measured = measure_benchmark(setting.network, Workload(network, shape, how), amount)
    means = {size.batch_size: size.timings["forward_backward"].mean for size in measured.sizes}
    figures = {
        f"batch of {size}, {machine}": Measured(value=mean)
        for machine in ("laptop CPU", "desktop GPU")
        for size, mean in means.items()
    }
    document = measured.to_dict()
    return Examined(figures=figures, details=document, environment=document["machine"])


def _features(setting: FeaturesSetting, scale: float, run_of: Callable[[str], Run]) -> Examined:
    from convscope.trials.features import see_features

    limit = max(1, round(MOST_IMAGES * scale))
    looked = {name: see_features(run_of(name).path, limit=limit).to_dict() for name in setting.experiments}
    return Examined(details={"looked_into": looked})
