"""The report's figures of a cross-validated run, fold by fold."""

from dataclasses import dataclass

from convscope.errors import RunError
from convscope.evaluation.predictions import has_predictions, read_predictions
from convscope.evaluation.proportion import Proportion
from convscope.report.page.material import Material
from convscope.report.wording import number
from convscope.runs.folder import Run


@dataclass(frozen=True, kw_only=True)
class FoldRow:
    """A fold: how it was judged on the images held out from it."""

    name: str
    images: int
    accuracy: Proportion | None
    figure: str
    """In words, for a network that answers with a number."""


def fold_rows(material: Material) -> list[FoldRow]:
    """The folds whose answers the run still has, repeat by repeat."""
    found = material.summary.get("folds") or {}
    rows = []
    for repeat in range(1, int(found.get("repeats") or 0) + 1):
        for fold in range(1, int(found.get("folds") or 0) + 1):
            run = Run(material.path / "folds" / f"repeat-{repeat}-fold-{fold}")
            name = f"fold {fold}" if found["repeats"] == 1 else f"repeat {repeat}, fold {fold}"
            row = _row(run, name)
            rows += [] if row is None else [row]
    return rows


def _row(run: Run, name: str) -> FoldRow | None:
    try:
        if not has_predictions(run, "test"):
            return None
        judged = read_predictions(run, "test")
    except RunError:
        return None
    if judged.is_regression:
        error = judged.regression.mean_absolute_error
        return FoldRow(name=name, images=error.n, accuracy=None, figure=f"off by {number(error.value, 3)}")
    return FoldRow(name=name, images=judged.accuracy.n, accuracy=judged.accuracy, figure="")
