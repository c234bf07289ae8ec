"""Run a published experiment, and say on a card how what was found compares with what was reported."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Ablation, Published, override
from convscope.config.length import Epochs, Steps
from convscope.config.reference import Figure, Reference
from convscope.errors import UsageError
from convscope.runs.environment import describe_environment
from convscope.runs.folder import DATASET, ENVIRONMENT, Run
from convscope.training.progress import Progress
from convscope.trials.cards import Card, Result, configuration_of
from convscope.trials.expected import SEEDS, SHORT
from convscope.trials.experiments import Located, differs_from, locate, reference_of
from convscope.trials.figures import Measured, Pooled
from convscope.trials.measuring import Trained, measure
from convscope.trials.training_runs import trained
from convscope.trials.verdicts import judge

REPRODUCTIONS = "reproduce"
"""The folder inside the runs in which reproductions lie: `runs/reproduce/<experiment>/seed-0`."""

KEPT_ENVIRONMENT = (
    "python",
    "packages",
    "platform",
    "processor",
    "cores",
    "device",
    "device_name",
    "threads",
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How an experiment is to be reproduced.

    Attributes:
        runs: where runs are.
        seeds: how many trainings; None for five where one takes under five minutes, and one otherwise.
        scale: share of the steps; less than 1 is a try, and no reproduction.
        source: other data.
        progress: who listens to each training.
    """

    runs: Path
    progress: Callable[[], Progress]
    seeds: int | None = None
    scale: float = 1.0
    source: str | None = None


def reproduce(experiment: Published, wish: Wish) -> Card:
    """Run what is still to be run of an experiment, measure its figures, and judge them.

    Raises:
        ConvscopeError: as training raises them; what is finished stays, and is used the next time.
    """
    if isinstance(experiment.setting, ExperimentConfig):
        return _reproduce_training(experiment, experiment.setting, wish)
    raise UsageError(f"{experiment.name} cannot be run yet")


def run_folder(runs: Path, experiment: str) -> Path:
    """Where an experiment's runs lie."""
    return runs / REPRODUCTIONS / experiment


@dataclass
class _Trainings:
    """The trainings of one experiment, by seed and by what is changed in them."""

    experiment: Published
    config: ExperimentConfig
    located: Located
    wish: Wish
    scaled: str = field(init=False)

    def __post_init__(self) -> None:
        self.scaled = "" if self.wish.scale == 1 else f"-scale-{self.wish.scale:g}"

    def of(self, seed: int, *, stopped_at: int | None = None, changed: Ablation | None = None) -> Run:
        """A finished run: seed by seed, stopped early, or with something changed."""
        values: dict[str, Any] = {"seed": seed, "data.source": self.located.source}
        values |= {} if changed is None else changed.changes
        config = override(self.config, values)
        config = scaled(config, self.wish.scale)
        name = f"seed-{seed}"
        if changed is not None:
            name = f"{changed.name}-{name}"
        if stopped_at is not None:
            config = override(config, {"training.steps": stopped_at})
            name = f"{name}-step-{stopped_at}"
        parent = run_folder(self.wish.runs, self.experiment.name)
        return trained(config, parent, name + self.scaled, self.wish.progress())

    def stops(self, seed: int) -> Callable[[int], Run | None]:
        """The same training, stopped early: bit for bit what the long one passed through."""
        steps = scaled(self.config, self.wish.scale).training.steps

        def stopped_at(step: int) -> Run | None:
            if steps is not None and step > steps:
                return None
            return self.of(seed, stopped_at=step)

        return stopped_at


def scaled(config: ExperimentConfig, scale: float) -> ExperimentConfig:
    """The same experiment with a share of its steps or epochs, of one at least."""
    if scale == 1:
        return config
    match config.training.length:
        case Steps(count):
            return override(config, {"training.steps": max(1, round(count * scale))})
        case Epochs(count):
            return override(config, {"training.epochs": max(1, round(count * scale))})
        case _:
            raise UsageError("--scale needs an experiment that says how many steps or epochs it takes")


def _reproduce_training(experiment: Published, config: ExperimentConfig, wish: Wish) -> Card:
    reference = reference_of(experiment)
    trainings = _Trainings(experiment, config, locate(config.data.source, reference, wish.source), wish)
    runs = [trainings.of(0)]
    runs += [trainings.of(seed) for seed in range(1, wish.seeds or _enough_seeds(runs[0], wish))]
    measured = [
        measure(Trained(run, trainings.stops(seed)), reference.figures) for seed, run in enumerate(runs)
    ]
    incomparable = _incomparable(config, reference, runs[0], wish)
    figures = judge_all(reference.figures, measured, incomparable)
    verdict, why = overall(reference, figures, {})
    return Card(
        experiment=experiment.name,
        source=reference.source,
        made=now(),
        scale=wish.scale,
        configuration=configuration_of(runs[0].read("config.json")),
        data=_data_of(config, reference, runs[0]),
        environment=environment_of(runs[0].read(ENVIRONMENT)),
        seeds=tuple(range(len(runs))),
        figures=figures,
        seconds=tuple(_seconds(run) for run in runs),
        verdict=verdict,
        why=why,
        notes=tuple(each for each in (reference.differs, reference.wrong) if each),
    )


def _enough_seeds(first: Run, wish: Wish) -> int:
    """A spread needs five; a long training, or a try, is run once."""
    return 1 if wish.scale != 1 or _seconds(first) >= SHORT else SEEDS


def _seconds(run: Run) -> float:
    return float((run.summary() or {})["seconds"]["train"])


def _incomparable(config: ExperimentConfig, reference: Reference, run: Run, wish: Wish) -> str | None:
    if wish.scale != 1:
        return f"a try at {wish.scale:g} of its length, no reproduction"
    return differs_from(config.data.source, run.config.data.source, reference)


def _data_of(config: ExperimentConfig, reference: Reference, run: Run) -> dict[str, Any]:
    used, known = run.config.data.source, run.read(DATASET)
    return {
        "source": config.data.source,
        "used": Path(used).name or used,
        "fingerprint": known["fingerprint"],
        "sizes": known["sizes"],
        "differs": differs_from(config.data.source, used, reference),
    }


def judge_all(
    figures: tuple[Figure, ...], measured: list[dict[str, Measured]], incomparable: str | None
) -> dict[str, Result]:
    """Each figure that was measured, over all seeds, with its verdict."""
    results = {}
    for figure in figures:
        seeds = [each[figure.name] for each in measured if figure.name in each]
        if not seeds:
            continue
        pooled = Pooled(figure.kind, tuple(seeds))
        reported = {
            name: value
            for name, value in (("value", figure.value), ("to", figure.to), ("images", figure.images))
            if value is not None
        }
        verdict = judge(figure, pooled, incomparable).to_dict()
        results[figure.name] = Result(measured=pooled, reported=reported, verdict=verdict)
    return results


def overall(reference: Reference, figures: dict[str, Result], claims: dict[str, Result]) -> tuple[str, str]:
    """The verdict on an experiment: that of the first figure with a value; else that of its claims."""
    for result in figures.values():
        if result.reported:
            return result.verdict["verdict"], result.verdict["why"]
    for result in claims.values():
        if result.verdict["verdict"] != "agrees":
            return result.verdict["verdict"], result.verdict["why"]
    if claims:
        return "agrees", next(iter(claims.values())).verdict["why"]
    return "no figure", "the source reports none"


def environment_of(values: dict[str, Any]) -> dict[str, Any]:
    """What of an environment a card keeps: no paths, and no command lines."""
    return {name: values.get(name) for name in KEPT_ENVIRONMENT}


def environment_now() -> dict[str, Any]:
    """Of this process."""
    return environment_of(describe_environment(device=torch.device("cpu"), seed=0))


def now() -> str:
    """In UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
