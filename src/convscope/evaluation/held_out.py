"""What the folds of a cross-validation said of the images held out from them, as the answers of one test."""

from collections.abc import Sequence

import numpy as np

from convscope.errors import DataError, RunError
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.runs.advice import resume_command
from convscope.runs.folder import Run


def pool_held_out(folds: Sequence[Predictions]) -> Predictions:
    """The held-out predictions of one cross-validation as those of one test split: each image once.

    Args:
        folds: what the classifier of each fold said about the part held out from it. Of a repeated
            cross-validation, one repeat: with each image counted several times, the intervals would be too
            narrow, and an average over repeats would be the answers of a committee that nobody trained.

    Raises:
        DataError: there are none, or they are of different classes.
    """
    if not folds or any(each.class_names != folds[0].class_names for each in folds):
        raise DataError("the folds' predictions do not belong together: none, or of different classes")
    ranges = [each.training_range for each in folds if each.training_range is not None]
    groups = [each.groups for each in folds]
    known = all(len(each.hashes) == len(each) for each in folds)
    return Predictions(
        split="test",
        logits=np.concatenate([each.logits for each in folds]),
        labels=np.concatenate([each.labels for each in folds]),
        ids=tuple(name for each in folds for name in each.ids),
        hashes=tuple(content for each in folds for content in each.hashes) if known else (),
        class_names=folds[0].class_names,
        training_range=(min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None,
        folds=len(folds),
        groups=None if any(each is None for each in groups) else np.concatenate([*groups]),
    )


def pool_folds(run: Run) -> Predictions:
    """The held-out predictions of a cross-validated run, pooled from the first repeat's folds in `folds/`.

    Raises:
        RunError: a fold is not finished.
    """
    total = run.config.data.folds or 0
    folds = []
    for number in range(1, total + 1):
        fold = Run(run.path / "folds" / f"repeat-1-fold-{number}")
        if not has_predictions(fold, "test"):
            raise RunError(
                f"{run.path}: fold {number} of {total} has not been judged.\n"
                f"Go on with: {resume_command(run.path)}"
            )
        folds.append(read_predictions(fold, "test"))
    return pool_held_out(folds)


def read_held_out(run: Run) -> Predictions:
    """The pooled held-out predictions of a cross-validated run: those it keeps, or else from its folds.

    Raises:
        RunError: there are none, and a fold is not finished.
    """
    if has_predictions(run, "test"):
        kept = read_predictions(run, "test")
        if kept.folds:
            return kept
    return pool_folds(run)
