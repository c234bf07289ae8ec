"""The Python face: the same things as the command line, returning values and never printing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.classifier.classifier import Classifier
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override, read_experiment
from convscope.errors import UsageError
from convscope.evaluation.evaluating import evaluate_path
from convscope.evaluation.predictions import ImageEvaluation
from convscope.runs.folder import SUMMARY, Run
from convscope.training.start import resume_training, start_training

if TYPE_CHECKING:
    from convscope.diagnosis.finding import Finding
    from convscope.report.pictures.look import Look


@dataclass(frozen=True)
class FinishedRun:
    """A run, with its figures.

    Attributes:
        path: the run folder.
    """

    path: Path

    @property
    def summary(self) -> dict[str, Any]:
        """`summary.json`: the final figures."""
        summary: dict[str, Any] = Run.open(self.path).read(SUMMARY)
        return summary

    @cached_property
    def test(self) -> ImageEvaluation:
        """The evaluation on the test split, which nothing was selected on."""
        return evaluate(self)

    @cached_property
    def validation(self) -> ImageEvaluation:
        """The evaluation on the validation split."""
        return evaluate(self, split="validation")

    @property
    def findings(self) -> list[Finding]:
        """What has to be known before its figures are believed; empty where nothing was found."""
        from convscope.diagnosis.of_run import findings_of_run

        return findings_of_run(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        summary = self.summary
        splits = [split for split in ("test", "validation") if split in summary]
        figures = "".join(f"<p>{split}</p>{getattr(self, split)._repr_html_()}" for split in splits)
        notes = "".join(f"<p>{escape(note)}</p>" for note in summary.get("notes", ()))
        found = "".join(f"<p>{escape(str(finding))}</p>" for finding in self.findings)
        return f"<p><b>{escape(self.path.name)}</b></p>{figures}{found}{notes}"


def train(
    data: str | Path, *, runs: str | Path = "runs", name: str | None = None, **settings: Any
) -> FinishedRun:
    """Train a classifier.

    Args:
        data: a folder, an archive, a table, a name, or an experiment's .toml.
        runs: the folder in which the run is made.
        name: of the run; `<data>-<network>-<number>` unless given.
        settings: the command line's flags, with underscores: `epochs=5, network="vgg12", learning_rate=1e-3`.

    Raises:
        ConvscopeError: see `convscope.errors`.
    """
    data = str(data)
    if data.endswith(".toml"):
        config = read_experiment(Path(data))
    else:
        config = override(ExperimentConfig(), {"data.source": data})
    config = override(config, {_field_of(key): value for key, value in settings.items()})
    return FinishedRun(start_training(config, runs=Path(runs), name=name).path)


def resume(
    run: str | Path | FinishedRun, *, steps: int | None = None, epochs: int | None = None
) -> FinishedRun:
    """Go on with a run where its last checkpoint is, to its end or to a new one."""
    asked = {"training.steps": steps, "training.epochs": epochs}
    changes = {field: value for field, value in asked.items() if value is not None}
    return FinishedRun(resume_training(Path(run), changes=changes).path)


def load(run: str | Path | FinishedRun, checkpoint: str = "final") -> Classifier:
    """The classifier of a run, or of a folder that `Classifier.save` made."""
    return Classifier.load(Path(run), checkpoint)


def evaluate(
    run: str | Path | FinishedRun,
    data: str | Path | None = None,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    allow_broken: bool = False,
    max_pixels: int | None = None,
) -> ImageEvaluation:
    """Evaluate a run on its own data, or on other images whose classes are matched by name."""
    return evaluate_path(
        Path(run),
        None if data is None else str(data),
        split=split,
        checkpoint=checkpoint,
        ignore_unknown=ignore_unknown,
        allow_broken=allow_broken,
        max_pixels=max_pixels,
    ).evaluation


def look(run: str | Path | FinishedRun, checkpoint: str = "final") -> Look:
    """What the network of a run has learned, in pictures that show themselves: `look(run).filters()`.

    Raises:
        RunError: when there is no such run, or no such checkpoint in it.
    """
    from convscope.report.pictures.look import Look  # charts and pictures, which training does not need

    return Look(Path(run), checkpoint)


def _field_of(setting: str) -> str:
    """`epochs` -> `training.epochs`; names are those of the flags."""
    from convscope.config.fields import settings

    known = settings()
    if setting not in known:
        raise UsageError(f"'{setting}' is not a setting; known: {', '.join(known)}")
    return known[setting].field
