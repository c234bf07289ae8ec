"""A run with its figures, as `train` returns it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from convscope.errors import RunError, UsageError
from convscope.notebook import aligned, box, folded, labelled, title
from convscope.runs.checkpoint_names import kept_in_words
from convscope.runs.folder import CHOICES, SUMMARY, Run
from convscope.runs.records import Record
from convscope.training.progress import Choice
from convscope.wording import duration, percent

if TYPE_CHECKING:
    from convscope.diagnosis.finding import Finding
    from convscope.evaluation.predictions import Predictions
    from convscope.face.curves import Curve
    from convscope.face.judging import Judgement
    from convscope.report.pictures.notebook import Picture


@dataclass(frozen=True, repr=False)
class FinishedRun:
    """A run, with its figures; shows itself in a notebook, with its curves and what was chosen.

    Attributes:
        path: the run folder.

    >>> import convscope as cs
    >>> run = cs.FinishedRun("runs/photos")
    >>> run.test.accuracy.n
    4
    >>> [choice.value for choice in run.choices if choice.what == "split"]
    ['16 train · 4 validation · 4 test']
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def summary(self) -> dict[str, Any]:
        """`summary.json`: the final figures."""
        summary: dict[str, Any] = Run.open(self.path).read(SUMMARY)
        return summary

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What convscope chose, and why; empty where the run does not say."""
        run = Run.open(self.path)
        return tuple(Choice(**each) for each in run.read(CHOICES)) if run.has(CHOICES) else ()

    @property
    def metrics(self) -> list[Record]:
        """The record of training: step, epoch, split, loss, accuracy, learning rate, seconds."""
        return Run.open(self.path).metrics()

    @cached_property
    def test(self) -> Judgement:
        """The evaluation on the test split, which nothing was selected on; it needs the run's images."""
        from convscope.face.judging import evaluate

        return evaluate(self.path)

    @cached_property
    def validation(self) -> Judgement:
        """The evaluation on the validation split; it needs the run's images."""
        from convscope.face.judging import evaluate

        return evaluate(self.path, split="validation")

    @property
    def findings(self) -> list[Finding]:
        """What has to be known before its figures are believed; empty where nothing was found."""
        from convscope.diagnosis.of_run import findings_of_run

        return findings_of_run(self.path)

    def curve(self, what: Curve = "loss") -> Picture:
        """The `loss`, the `accuracy` or the `learning rate` against the step.

        Raises:
            UsageError: there is no such curve, or none was recorded.
        """
        from convscope.face import curves

        if what not in get_args(curves.Curve):
            raise UsageError(f"there is no curve '{what}': choose {', '.join(get_args(curves.Curve))}")
        drawn = curves.curve(Run.open(self.path), what)
        if drawn is None:
            raise UsageError(f"{self.path} has recorded no {what} at two steps or more")
        return drawn

    def __repr__(self) -> str:
        lines = []
        with suppress(RunError):
            lines = self._lines(self._kept())
        return f"FinishedRun({', '.join([str(self.path), *(' '.join(line[:2]) for line in lines[:1])])})"

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return aligned([("run", str(self.path)), *self._lines(self._kept())])

    def _repr_html_(self) -> str:
        from convscope.face.curves import curves_html

        kept = self._kept()
        chosen = labelled((each.what, each.value, each.reason) for each in self.choices)
        figures = [folded(f"{name}, by class", each.evaluation._repr_html_()) for name, each in kept.items()]
        return box(
            title(self.path.name, str(self.path)),
            labelled(self._lines(kept)),
            curves_html(Run.open(self.path), ("loss", "accuracy")),
            folded("what was chosen, and why", chosen) if self.choices else "",
            *figures,
        )

    def _found(self) -> list[Finding]:
        """The findings, where the answers that they are drawn from came along."""
        with suppress(RunError):
            return self.findings
        return []

    def _kept(self) -> dict[str, Predictions]:
        """The answers that the run keeps, by what they are called; they need no images."""
        from convscope.evaluation.held_out import read_held_out
        from convscope.evaluation.predictions import has_predictions, read_predictions

        run = Run.open(self.path)
        if run.config.data.folds is not None:
            with suppress(RunError):  # a run that came without its folds still has their mean
                return {"held out": read_held_out(run)}
            return {}
        splits = [split for split in ("test", "validation") if has_predictions(run, split)]
        return {split: read_predictions(run, split) for split in splits}

    def _lines(self, kept: dict[str, Predictions]) -> list[tuple[str, ...]]:
        """A line each: how good, what to make of it, what was kept, how long it took."""
        if not Run.open(self.path).has(SUMMARY):
            return [("state", "not finished; go on with resume")]
        summary = self.summary
        lines: list[tuple[str, ...]] = [(name, _figure(each)) for name, each in kept.items()]
        if (figures := summary.get("corrections", {}).get("figures")) is not None:
            from convscope.evaluation.corrected import said_both_ways

            lines.append(("as labelled", *said_both_ways(figures)))
        if "folds" in summary:
            from convscope.evaluation.proportion import mean_over_folds

            lines.append(
                ("folds", str(mean_over_folds(summary["folds"])), "the classifier is fitted on all images")
            )
        lines += [("finding", each.said, each.advice) for each in self._found()]
        lines += [("note", note) for note in summary.get("notes", ())]
        untrained = (summary.get("untrained") or {}).get("accuracy")
        if untrained is not None:
            lines.append(("untrained", percent(untrained, 1)))
        if summary.get("kept"):
            kept_name = kept_in_words(summary["kept"]["checkpoint"], summary.get("steps", 0))
            lines.append(("kept", kept_name, summary["kept"]["why"]))
        return [*lines, ("time", duration(summary["seconds"]["total"]))]


def _figure(predictions: Predictions) -> str:
    """The one figure to know of some answers."""
    if predictions.is_regression:
        return f"mean absolute error {predictions.regression.mean_absolute_error}"
    return str(predictions.accuracy)
