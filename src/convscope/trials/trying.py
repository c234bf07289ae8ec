"""`diagnose --try`: what a finding advises, trained beside the run as it is, over a few seeds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convscope.comparison import verdicts
from convscope.comparison.comparing import Comparison, compare_sides
from convscope.comparison.sides import read_side
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.config.length import Epochs, Steps
from convscope.config.resolved import ResolvedExperiment
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Diagnosis
from convscope.diagnosis.starting import has_choice_of_weights, other_start
from convscope.errors import DivergedError, UsageError
from convscope.evaluation.predictions import has_predictions
from convscope.networks.pretrained import is_pretrained, pretraining_of
from convscope.runs.folder import Run
from convscope.training.progress import Progress
from convscope.trials.seeds import Group, group_around, more_seeds, train_group
from convscope.wording import here, percent, rounded

SEEDS = 3
NETWORK = "network.name"
Changes = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of an advice.

    Attributes:
        finding: whose advice was followed.
        changes: of the configuration; None is left to convscope.
        group: the runs with it.
        split: on which they are judged.
        comparison: of the run as it is with them; None where the run as it is came to no end.
        figure: of the runs with it, for where there is no comparison.
    """

    finding: Finding
    changes: Changes
    group: Path
    split: str
    comparison: Comparison | None
    figure: str

    @property
    def words(self) -> str:
        """The changes: `learning rate 0.001, initialiser he`."""
        return ", ".join(_words(name, value) for name, value in _told(self.changes).items())

    @property
    def sentence(self) -> str:
        """What came of it, with the interval."""
        if self.comparison is None:
            return f"as it is, the run comes to no end; with {self.words}: {self.split} {self.figure}"
        match verdicts.word(self.comparison):
            case "better":
                said = "it helped"
            case "worse":
                said = "it made it worse"
            case "same":
                said = "it made no difference"
            case _:
                said = "too close to tell whether it helped"
        before, after = (percent(value, 1) for value in self.comparison.values)
        if self.comparison.is_regression:
            before, after = (rounded(value) for value in self.comparison.values)
        difference = self.comparison.difference
        changed = verdicts.amount(self.comparison, difference.value, signed=True)
        return (
            f"{said}: {self.split} {before} as it is, {after} with {self.words}: {changed} "
            f"(95 % interval {verdicts.ends(self.comparison, difference.interval)})"
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        compared = self.comparison
        return {
            "finding": self.finding.name,
            "changes": self.changes,
            "group": str(self.group),
            "split": self.split,
            "verdict": None if compared is None else verdicts.word(compared),
            "comparison": None if compared is None else verdicts.to_dict(compared),
            "sentence": self.sentence,
        }


def advised(diagnosis: Diagnosis, config: ResolvedExperiment) -> tuple[Finding, Changes]:
    """The first finding whose advice is a change of the configuration, and that change.

    Raises:
        UsageError: there is none: nothing was found, or what was is no matter of settings.
    """
    for finding in diagnosis.findings:
        changes = changes_for(finding, config)
        if changes:
            return finding, changes
    found = ", ".join(finding.name for finding in diagnosis.findings)
    raise UsageError(
        f"--try: {f'no setting mends what was found ({found})' if found else 'nothing was found'}, "
        "so there is nothing to try"
    )


def changes_for(finding: Finding, config: ResolvedExperiment) -> Changes:
    """What an advice changes; empty where no setting mends what was found."""
    training = config.training
    match finding.name:
        case "signal-explodes" | "signal-vanishes" | "signal-lost" | "gradient-lost":
            return other_start(config.network)
        case "gradient-vanishes" | "gradient-explodes":
            return other_start(config.network)
        case "rate-too-high" | "rate-too-low":
            return {"training.learning_rate": None}
        case "dead-layer" | "softmax-saturated":
            return {"training.learning_rate": float(f"{training.learning_rate / 10:.1g}")}
        case "start-sure" if has_choice_of_weights(config.network):
            return {"network.last_initialiser": "xavier"}
        case "never-answered" if training.balance == "none":
            return {"training.balance": "sampling"}
        case "overfits" if training.early_stopping is None:
            return {"training.early_stopping": 3}
        case "bias" | "variance" if _knows_nothing_yet(config):
            return {NETWORK: "pretrained"}
        case "still-improving" | "bias":
            return _twice_as_long(config)
        case "variance":
            return _more_varied(config)
        case _:
            return {}


def _knows_nothing_yet(config: ResolvedExperiment) -> bool:
    """Whether a network that knows photos is at hand, and this is none: what both findings then advise."""
    preprocessing = config.preprocessing
    return pretraining_of(config.network.name, preprocessing.channels, preprocessing.size) == "at hand"


def _twice_as_long(config: ResolvedExperiment) -> Changes:
    match config.training.length:
        case Epochs(count):
            return {"training.epochs": 2 * count}
        case Steps(count) if count:
            return {"training.steps": 2 * count}
        case _:
            return {}


def _more_varied(config: ResolvedExperiment) -> Changes:
    if config.augmentation.preset == "none":
        return {"augmentation.preset": None}
    if config.training.weight_decay == 0 and not is_pretrained(config.network.name):
        return {"training.weight_decay": 0.01}
    return {}


def try_advice(
    run: Run,
    finding: Finding,
    changes: Changes,
    *,
    seeds: int = SEEDS,
    progress: Callable[[], Progress],
) -> Trial:
    """Train with the changes and without, on the run's split, as many seeds of each, and compare.

    Both groups lie beside the run, `RUN-seeds` and `RUN-try-CHANGES`: what is there is used, and what was
    stopped goes on.

    Raises:
        UsageError: fewer than two seeds, or the run keeps no answers to compare.
        ConvscopeError: as training raises them.
    """
    if seeds < 2:
        raise UsageError(f"--seeds: {seeds} say nothing of chance; a trial takes two or more")
    name = f"{run.path.name}-try-{_short(changes)}"
    tried = train_group(
        override(base_for(run, changes), changes),
        seeds=seeds,
        runs=run.path.parent,
        name=name,
        progress=progress,
    )
    split = _judging_split(tried.runs[0])
    figure = tried.figure(split)
    return Trial(
        finding=finding,
        changes=changes,
        group=tried.path,
        split=split,
        comparison=_beside_as_it_is(run, tried, seeds, split, progress),
        figure="" if figure is None else str(figure[1]),
    )


def base_for(run: Run, changes: Changes) -> ExperimentConfig:
    """The run's configuration on its own split; for another network its data alone, for size, length and rate
    were chosen for the one it had.
    """
    base = override(run.config, {"data.source": run.data.source, "data.split_seed": run.config.split_seed})
    if NETWORK not in changes:
        return base
    machine = {"training.device": base.training.device, "training.threads": base.training.threads}
    return override(replace(ExperimentConfig(), data=base.data, seed=base.seed), machine)


def _beside_as_it_is(
    run: Run, tried: Group, seeds: int, split: str, progress: Callable[[], Progress]
) -> Comparison | None:
    """The run as it is, with as many seeds, compared; None where it comes to no end."""
    if run.summary() is None:
        return None
    plain = group_around(run.path)
    trainings = more_seeds(plain, progress)
    try:
        while len(Group(plain).runs) < seeds:
            next(trainings)
    except DivergedError:
        return None
    return compare_sides(read_side(plain, split), read_side(tried.path, split))


def _judging_split(run: Run) -> str:
    if run.config.data.folds is not None:
        return "test"
    for split in ("test", "validation"):
        if has_predictions(run, split):
            return split
    raise UsageError(f"{here(run.path)} held no image out: nothing can be compared")


def _short(changes: Changes) -> str:
    """For a folder's name: `learning-rate-0.001-initialiser-he`."""
    chosen = {name: "auto" if value is None else value for name, value in _told(changes).items()}
    return "-".join(f"{_setting(name)} {value}" for name, value in chosen.items()).replace(" ", "-")


def _told(changes: Changes) -> Changes:
    """Those that are worth telling: a deviation is left out, which goes with an initialiser."""
    return {name: value for name, value in changes.items() if name != "network.initial_std"}


def _setting(name: str) -> str:
    if name == NETWORK:
        return "network"
    return name.rpartition(".")[2].replace("_", " ").replace("preset", "augmentation")


def _words(name: str, value: Any) -> str:
    if name == NETWORK:
        return f"a {value} network"
    said = _setting(name)
    if value is None:
        return f"{said} as convscope chooses it"
    return f"{said} {rounded(value) if isinstance(value, float) else value}".replace(" True", "")
