"""Evaluating from Python: the figures, and what has to be known to believe them."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from convscope.classifier.classifier import Classifier
from convscope.diagnosis.answers import answers
from convscope.diagnosis.finding import Finding
from convscope.errors import UsageError
from convscope.evaluation.calibration import Calibration
from convscope.evaluation.confusion import ConfusedPair, Confusion
from convscope.evaluation.corrected import said_both_ways
from convscope.evaluation.errors import ImageError
from convscope.evaluation.evaluating import PathEvaluation, evaluate_path
from convscope.evaluation.metrics import CLASS_COLUMNS, ClassScores, Evaluation
from convscope.evaluation.predictions import ImageEvaluation, Predictions
from convscope.evaluation.proportion import Proportion
from convscope.evaluation.regression import MeanAbsoluteError, Regression
from convscope.notebook import aligned, box, columns, labelled, title

MOST_IN_TEXT = 20
"""Classes whose figures `print` shows; of more, those of lowest F1."""


@dataclass(frozen=True, eq=False, repr=False)
class Judgement:
    """An evaluation with everything that it must be read with; shows itself in a notebook.

    Attributes:
        measured: the evaluation, and what it was made on.
        findings: what has to be known before the figures are believed; empty where nothing was found.
    """

    measured: PathEvaluation
    findings: tuple[Finding, ...]

    @property
    def figures(self) -> ImageEvaluation:
        """Everything that was measured, of classes or of numbers."""
        return self.measured.evaluation

    @property
    def split(self) -> str:
        """`test`, `validation` or `train`."""
        return self.measured.split

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: files left out, images that were trained on."""
        return self.measured.notes

    @property
    def predictions(self) -> Predictions:
        """The answers that the figures are made of: logits `(N, K)`, labels `(N,)`, and ids."""
        if self.measured.judged is None:
            raise UsageError("the answers of this evaluation were not kept")
        return self.measured.judged

    @property
    def mirrored(self) -> ImageEvaluation | None:
        """The same with each answer averaged over image and mirror image, where that was asked for."""
        return self.measured.mirrored

    @property
    def as_labelled(self) -> ImageEvaluation | None:
        """The same by the labels of the source, where some of the run's own were corrected."""
        return None if self.measured.both is None else self.measured.both.as_labelled

    @property
    def accuracy(self) -> Proportion:
        """How many images are right, with n and a 95 % interval."""
        return self._of_classes("accuracy").accuracy

    @property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return self._of_classes("loss").loss

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images."""
        return self._of_classes("balanced accuracy").balanced_accuracy

    @property
    def per_class(self) -> tuple[ClassScores, ...]:
        """Precision, recall and F1 of each class, each with its interval."""
        return self._of_classes("figures by class").per_class

    @property
    def confusion(self) -> Confusion:
        """Which class is taken for which."""
        return self._of_classes("confusion").confusion

    @property
    def most_confused(self) -> tuple[ConfusedPair, ...]:
        """The pairs of classes confused most often."""
        return self._of_classes("confused classes").most_confused

    @property
    def errors(self) -> tuple[ImageError, ...]:
        """All wrong answers, in the split's order; `worst` are those of greatest loss."""
        return self._of_classes("list of wrong answers").errors

    @property
    def worst(self) -> tuple[ImageError, ...]:
        """The wrong answers of greatest loss, the worst first."""
        return self._of_classes("list of wrong answers").worst

    @property
    def calibration(self) -> Calibration:
        """Whether its confidence is to be believed."""
        return self._of_classes("calibration").calibration

    @property
    def mean_absolute_error(self) -> MeanAbsoluteError:
        """Of numbers: how far off the answers are, in the target's unit."""
        return self._of_numbers("mean absolute error").mean_absolute_error

    @property
    def root_mean_squared_error(self) -> float:
        """Of numbers: in the target's unit; well above the mean absolute error where a few are far off."""
        return self._of_numbers("root mean squared error").root_mean_squared_error

    def to_dict(self) -> dict[str, Any]:
        """The figures, as the run's summary holds them."""
        return self.figures.to_dict()

    def __repr__(self) -> str:
        figures = self.figures
        what = (
            f"accuracy={figures.accuracy!r}"
            if isinstance(figures, Evaluation)
            else f"mean_absolute_error={figures.mean_absolute_error.value:.4g}"
        )
        return f"Judgement({self.split}, {what})"

    def __str__(self) -> str:
        figures = self.figures
        head = aligned([*self._figures(), *self._remarks()])
        if not isinstance(figures, Evaluation):
            return head
        shown = figures.per_class
        if len(shown) > MOST_IN_TEXT:
            shown = figures.weakest(MOST_IN_TEXT)
            head += f"\n\nthe {MOST_IN_TEXT} classes of lowest F1, of {len(figures.per_class):,}"
        table = columns(CLASS_COLUMNS, [scores.cells() for scores in shown])
        return f"{head}\n\n{table}\n\n{figures.confusion}"

    def _repr_html_(self) -> str:
        where = f"{Path(self.measured.run).name} on {self.measured.data}"
        return box(title(self.name, where), self.figures._repr_html_(), labelled(self._remarks()))

    @property
    def name(self) -> str:
        """What was judged: a split, or what folds `held out`."""
        judged = self.measured.judged
        return "held out" if judged is not None and judged.folds else self.split

    def _figures(self) -> list[tuple[str, ...]]:
        figures = self.figures
        if not isinstance(figures, Evaluation):
            first, *others = str(figures).split("\n")
            return [(self.name, first), *(("", other) for other in others)]
        return [(self.name, str(figures.accuracy)), ("loss", f"{figures.loss:.4g}")]

    def _remarks(self) -> list[tuple[str, ...]]:
        """What has to be known, a line each."""
        found = [("finding", each.said, each.advice) for each in self.findings]
        both = self.measured.both
        if both is not None:
            found.insert(0, ("as labelled", *said_both_ways(both.to_dict())))
        return [*found, *(("note", note) for note in self.notes)]

    def _of_classes(self, what: str) -> Evaluation:
        if isinstance(self.figures, Evaluation):
            return self.figures
        raise UsageError(f"numbers were predicted, which have no {what}: see mean_absolute_error")

    def _of_numbers(self, what: str) -> Regression:
        if isinstance(self.figures, Regression):
            return self.figures
        raise UsageError(f"classes were predicted, which have no {what}: see accuracy")


def evaluate(
    run: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    *,
    split: str = "test",
    checkpoint: str = "final",
    ignore_unknown: bool = False,
    allow_broken: bool = False,
    max_pixels: int | None = None,
    test_time_augmentation: bool = False,
) -> Judgement:
    """Evaluate a run on its own data, or on other images whose classes are matched by name.

    Args:
        run: a run, or a folder that a classifier was saved to.
        data: other images to evaluate on; the run's own split unless given.
        split: of the run's own data: `test`, `validation` or `train`.
        checkpoint: `final`, `last`, `best`, `untrained`, or a step.
        ignore_unknown: leave out images of classes that the classifier does not know.
        allow_broken: go on even when more than 5 % of the files cannot be read.
        max_pixels: leave files of more pixels out; as in training unless given.
        test_time_augmentation: also average over each image and its mirror image, as `.mirrored`.

    Raises:
        UsageError: for a split that does not exist or has no images.
        DataError: when classes are unknown to the classifier, or too many files are broken.
        RunError: when there is no such run, or no such checkpoint in it.

    >>> import convscope as cs
    >>> judged = cs.evaluate("runs/photos")
    >>> judged.accuracy.n
    4
    >>> [scores.name for scores in judged.per_class]
    ['ant', 'bee']
    """
    if isinstance(run, Classifier):
        raise UsageError(
            "a loaded classifier does not know the images it was judged on: give the run's folder, as in "
            'cs.evaluate("runs/photos"), or use cs.FinishedRun("runs/photos").test'
        )
    measured = evaluate_path(
        Path(run),
        None if data is None else str(data),
        split=split,
        checkpoint=checkpoint,
        ignore_unknown=ignore_unknown,
        allow_broken=allow_broken,
        max_pixels=max_pixels,
        test_time_augmentation=test_time_augmentation,
    )
    return Judgement(measured, tuple(answers(measured.judged)) if measured.judged is not None else ())
