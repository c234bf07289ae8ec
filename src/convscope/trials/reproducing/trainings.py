"""Which trainings an experiment is made of: seed by seed, stopped earlier, or with something changed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Ablation, Published, override
from convscope.config.length import Epochs, Steps
from convscope.errors import UsageError
from convscope.runs.folder import Run
from convscope.training.progress import Progress
from convscope.trials.reproducing.experiments import locate, reference_of
from convscope.trials.reproducing.training_runs import finished, trained

REPRODUCTIONS = "reproduce"
"""The folder inside the runs in which reproductions lie: `runs/reproduce/<experiment>/seed-0`."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How an experiment is to be reproduced.

    Attributes:
        runs: where runs are.
        progress: who listens to each training.
        seeds: how many trainings; None for five where one takes under five minutes, and one otherwise.
        scale: share of the steps; less than 1 is a try, and no reproduction.
        source: other data.
        prefix: of the runs' names, for those that are to be made anew.
    """

    runs: Path
    progress: Callable[[], Progress]
    seeds: int | None = None
    scale: float = 1.0
    source: str | None = None
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """The trainings of one experiment.

    Attributes:
        config: as asked, on the data that are here.
        parent: where its runs lie.
    """

    config: ExperimentConfig
    source: str
    parent: Path
    wish: Wish

    @staticmethod
    def of(experiment: Published, wish: Wish) -> "Trainings":
        """Of an experiment that trains.

        Raises:
            DataError: its data are not here.
        """
        config = experiment.setting
        if not isinstance(config, ExperimentConfig):
            raise UsageError(f"{experiment.name} trains nothing")
        located = locate(config.data.source, reference_of(experiment), wish.source)
        parent = run_folder(wish.runs, experiment.name)
        return Trainings(config=config, source=located, parent=parent, wish=wish)

    def run(self, seed: int, *, stopped_at: int | None = None, changed: Ablation | None = None) -> Run:
        """A finished run: made, gone on with, or found."""
        changes: dict[str, Any] = {} if changed is None else changed.changes
        config = scaled(override(self.config, changes), self.wish.scale)
        config = override(config, {"seed": seed, "data.source": self.source})
        if stopped_at is not None:
            config = override(config, {"training.steps": stopped_at})
        name = self.name(seed, stopped_at, "" if changed is None else changed.name)
        return trained(config, self.parent, name, self.wish.progress())

    def found(self, seed: int) -> Run | None:
        """The finished run of a seed, if it is there."""
        return finished(self.parent, self.name(seed))

    def name(self, seed: int, stopped_at: int | None = None, change: str = "") -> str:
        """`seed-0`, `seed-0-step-100`, `small-start-seed-0`, `seed-0-scale-0.1`."""
        parts = [self.wish.prefix, change, f"seed-{seed}"]
        parts += [] if stopped_at is None else [f"step-{stopped_at}"]
        parts += [] if self.wish.scale == 1 else [f"scale-{self.wish.scale:g}"]
        return "-".join(part for part in parts if part)

    def stops(self, seed: int) -> Callable[[int], Run | None]:
        """The same training, stopped earlier: bit for bit what the long one passed through.

        So it is where the schedule is constant, and the step is one that it takes at all; elsewhere None.
        """
        steps = scaled(self.config, self.wish.scale).training.steps
        constant = self.config.training.schedule == "constant"

        def stopped_at(step: int) -> Run | None:
            if not constant or steps is None or step > steps:
                return None
            return self.run(seed, stopped_at=step)

        return stopped_at


def run_folder(runs: Path, experiment: str) -> Path:
    """Where an experiment's runs lie."""
    return runs / REPRODUCTIONS / experiment


def scaled(config: ExperimentConfig, scale: float) -> ExperimentConfig:
    """The same experiment with a share of its steps or epochs, of one at least.

    Raises:
        UsageError: for one that says no length.
    """
    if scale == 1:
        return config
    match config.training.length:
        case Steps(count):
            return override(config, {"training.steps": max(1, round(count * scale))})
        case Epochs(count):
            return override(config, {"training.epochs": max(1, round(count * scale))})
        case _:
            raise UsageError("--scale needs an experiment that says how many steps or epochs it takes")
