"""What is compared: a run, a group of seeds, or a cross-validated run; read from its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from convscope.config.resolved import ResolvedExperiment
from convscope.errors import RunError
from convscope.evaluation.corrected import read_log, relabelled
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.runs.advice import go_on
from convscope.runs.folder import DATASET, ENVIRONMENT, Run
from convscope.runs.listing import seed_runs
from convscope.wording import here, some

Kind = Literal["run", "seeds", "folds"]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One training.

    Attributes:
        run: its folder.
        config: the resolved configuration.
        summary: its final figures.
        judged: its answers: one split's, or of each fold what was held out from it.
    """

    run: Run
    config: ResolvedExperiment
    summary: dict[str, Any]
    judged: tuple[Predictions, ...]

    @property
    def seconds(self) -> float | None:
        """Of training; None where it is not known."""
        value = self.summary.get("seconds", {}).get("train")
        return float(value) if isinstance(value, int | float) else None

    @property
    def parameters(self) -> int | None:
        """Of the network."""
        value = self.summary.get("parameters")
        return value if isinstance(value, int) else None

    @property
    def training_images(self) -> int | None:
        """How many it was trained on."""
        sizes = self.run.read(DATASET).get("sizes", {}) if self.run.has(DATASET) else {}
        value = sizes.get("train")
        return value if isinstance(value, int) else None

    @property
    def environment(self) -> dict[str, Any]:
        """Where it was trained; empty where that is not known."""
        values = self.run.read(ENVIRONMENT) if self.run.has(ENVIRONMENT) else {}
        return values if isinstance(values, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of what is compared.

    Attributes:
        path: as it was typed.
        kind: `run`, `seeds` for a group of runs that differ by seed alone, or `folds`; a group of
            cross-validated runs is `folds`, too.
        members: its trainings, at least one.
    """

    path: Path
    kind: Kind
    members: tuple[Member, ...]

    @property
    def name(self) -> str:
        """Of the folder; of one run of a group, the group's before it: `plain/seed-0`."""
        folder = self.path.resolve()
        is_in_group = folder in seed_runs(folder.parent)
        return f"{folder.parent.name}/{folder.name}" if is_in_group else folder.name

    @property
    def first(self) -> Member:
        """The training that stands for all where they are alike."""
        return self.members[0]

    @property
    def is_regression(self) -> bool:
        """Whether it answers with a number."""
        return self.first.judged[0].is_regression

    @property
    def seconds(self) -> float | None:
        """Of one training, on the mean; None where one of them is not known."""
        known = [each.seconds for each in self.members if each.seconds is not None]
        return sum(known) / len(known) if len(known) == len(self.members) else None


def read_side(path: Path, split: str = "test") -> Side:
    """A run, a group or a cross-validated run.

    Raises:
        RunError: there is none at `path`, it is not finished, or it keeps no answers to that split.
    """
    group = seed_runs(path)
    members = tuple(_read_member(Run.open(each), split) for each in group or [path])
    has_folds = {each.config.data.folds is not None for each in members}
    if len(has_folds) > 1:
        raise RunError(f"{here(path)}: some of its runs are cross-validated, and others are not")
    kind: Kind = "folds" if has_folds.pop() else "seeds" if group else "run"
    return Side(path=path, kind=kind, members=members)


def judged_alike(sides: Sequence[Side]) -> tuple[Side, ...]:
    """The same sides, all judged by the labels of test images that were corrected for any of them.

    A label that two of them corrected otherwise stays as each has it.
    """
    corrections = [
        each.correction
        for side in sides
        for member in side.members
        for each in read_log(member.run)
        if each.new is not None
    ]

    def relabel(judged: Predictions) -> Predictions:
        known = [each for each in corrections if judged.is_regression or each.new in judged.class_names]
        return relabelled(judged, known)

    if not corrections:
        return tuple(sides)
    return tuple(
        replace(
            side,
            members=tuple(
                replace(member, judged=tuple(relabel(each) for each in member.judged))
                for member in side.members
            ),
        )
        for side in sides
    )


def _read_member(run: Run, split: str) -> Member:
    summary = run.summary()
    if summary is None:
        raise RunError(
            f"{here(run.path)} is not finished: it has no answers to compare yet.\n{go_on(run.path)}"
        )
    config = run.config
    judged = _folds(run, config) if config.data.folds is not None else (_answers(run, split),)
    return Member(run=run, config=config, summary=summary, judged=judged)


def _answers(run: Run, split: str) -> Predictions:
    if not has_predictions(run, split):
        others = [name for name in ("test", "validation") if has_predictions(run, name)]
        hint = f"it keeps those to {' and '.join(others)}: --split {others[0]}" if others else "it keeps none"
        raise RunError(f"{here(run.path)} has no answers to {split} images; {hint}")
    return _with_hashes(run, read_predictions(run, split))


def _folds(run: Run, config: ResolvedExperiment) -> tuple[Predictions, ...]:
    """What was held out from each fold, repeat by repeat."""
    names = [
        f"repeat-{repeat + 1}-fold-{fold + 1}"
        for repeat in range(config.data.repeats)
        for fold in range(config.data.folds or 0)
    ]
    folds = [Run(run.path / "folds" / name) for name in names]
    gone = [each.name for each in folds if not has_predictions(each, "test")]
    if gone:
        raise RunError(
            f"{here(run.path)} came without {some(len(gone), 'of its folds', 'of its folds')} "
            f"({gone[0]}): they are what is compared"
        )
    return tuple(_with_hashes(each, read_predictions(each, "test")) for each in folds)


def _with_hashes(run: Run, judged: Predictions) -> Predictions:
    if len(judged.hashes) != len(judged):
        raise RunError(
            f"{here(run.path)} was made by a version that did not keep the hashes of its images, by which "
            "they are paired. Train it again with the same settings"
        )
    return judged


def seeds_of(side: Side) -> Sequence[int]:
    """The seeds of its members."""
    return [each.config.seed for each in side.members]
