"""A group: the same training with several seeds, on the same split, in one folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.comparison.over_seeds import mean_figure, summary_over
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.errors import RunError, UsageError
from convscope.evaluation.proportion import MeanOverRuns
from convscope.runs.copying import copy_run
from convscope.runs.folder import CONFIG, Run, check_free
from convscope.runs.listing import seed_runs
from convscope.runs.names import next_number, stem_of
from convscope.training.progress import Progress
from convscope.trials.reproducing.training_runs import trained
from convscope.wording import here

MOST = 1_000


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed alone.

    Attributes:
        path: the folder that holds them.
    """

    path: Path

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its finished runs, in the order of their seeds."""
        runs = (Run(path) for path in seed_runs(self.path))
        return tuple(run for run in runs if run.summary() is not None)

    def figure(self, split: str = "test") -> tuple[str, MeanOverRuns] | None:
        """The name of the runs' figure on a split, with its mean and band; None where they have none.

        Of cross-validated runs it is the mean over their folds.
        """
        return mean_figure([run.summary() or {} for run in self.runs], split)

    @property
    def total_seconds(self) -> float:
        """Of all its trainings together."""
        seconds = ((run.summary() or {}).get("seconds", {}).get("total") for run in self.runs)
        return sum(float(each) for each in seconds if each is not None)

    def summary(self, split: str) -> dict[str, Any] | None:
        """The mean figure on a split as a run's summary has its own; None where the runs have none."""
        return summary_over([run.summary() or {} for run in self.runs], split)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the runs with their figures, and test and validation over them."""
        figures = {split: self.figure(split) for split in ("validation", "test")}
        seconds = [(run.summary() or {}).get("seconds", {}).get("train") for run in self.runs]
        return {
            "group": str(self.path),
            "seeds": [run.config.seed for run in self.runs],
            "runs": [str(run.path) for run in self.runs],
            **{
                split: {found[0].replace(" ", "_"): found[1].to_dict()}
                for split, found in figures.items()
                if found is not None
            },
            "seconds": {"train": seconds},
        }


def train_group(
    config: ExperimentConfig,
    *,
    seeds: int,
    runs: Path,
    name: str | None = None,
    progress: Callable[[], Progress],
) -> Group:
    """Train with `seeds` seeds, from the configuration's on; what is there is used, what was stopped goes on.

    The first training chooses what `config` leaves open, and the others take its choices: they are one
    recipe. All share the first one's split, so that they are judged on the same images.

    Raises:
        UsageError: fewer than two seeds, or the name cannot be had.
        ConvscopeError: as training raises them.
    """
    if not 2 <= seeds <= MOST:
        raise UsageError(f"--seeds: {seeds:,} make no group; it takes 2 to {MOST:,}")
    group = Group(_folder(config, runs, name))
    first = config.seed
    config = override(config, {"data.split_seed": config.split_seed})
    _train_all(config, group, range(first, first + seeds), progress)
    return group


def _train_all(
    config: ExperimentConfig, group: Group, seeds: range, progress: Callable[[], Progress]
) -> None:
    for number, seed in enumerate(seeds):
        run = trained(override(config, {"seed": seed}), group.path, f"seed-{seed}", progress())
        if number == 0:
            config = _as_chosen(run, config)


def _as_chosen(run: Run, asked: ExperimentConfig) -> ExperimentConfig:
    """The configuration that the first training came to, on the data where they were asked for."""
    return override(run.config, {"data.source": asked.data.source})


def _folder(config: ExperimentConfig, runs: Path, name: str | None) -> Path:
    if name is None:
        stem = stem_of(Path(config.data.source).name.partition(".")[0], "seeds")
        return runs / f"{stem}-{next_number(runs, stem)}"
    path = runs / name
    if (path / CONFIG).is_file():
        raise UsageError(f"{here(path)} is a single run, not a group of seeds. Choose another --name")
    if not seed_runs(path):
        check_free(runs, name)
    return path


def more_seeds(group: Path, progress: Callable[[], Progress]) -> Iterator[Run]:
    """One more seed after the other, each trained when it is asked for; the group's own configuration.

    Raises:
        RunError: there is no finished run to take it from.
    """
    finished = Group(group).runs
    if not finished:
        raise RunError(f"{here(group)} holds no finished run to train again with other seeds")
    taken = {run.config.seed for run in finished}
    first = finished[0]
    config = override(
        first.config,
        {
            "data.source": first.data.source,
            "data.corrections": first.data.corrections,
            "data.split_seed": first.config.split_seed,
        },
    )
    seed = min(taken)
    while True:
        if seed not in taken:
            yield trained(override(config, {"seed": seed}), group, f"seed-{seed}", progress())
        seed += 1


def group_around(run: Path) -> Path:
    """The group that further seeds of a single run go to, `runs/a-seeds`; a copy of the run is its first.

    Raises:
        RunError: there is no such run, or the disk refuses.
    """
    opened = Run.open(run)
    path = run.parent / f"{run.resolve().name}-seeds"
    place = path / f"seed-{opened.config.seed}"
    if not (place / CONFIG).is_file():
        copy_run(opened, place)
    return path
