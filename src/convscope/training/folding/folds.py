"""Small data, judged honestly: every image is held out once, by a classifier that never saw it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from convscope.data.dataset import Dataset
from convscope.data.splitting.dividing import strata
from convscope.data.splitting.splits import Fold, folds
from convscope.evaluation.proportion import MeanOverRuns


@dataclass(frozen=True, eq=False)
class FoldData:
    """One fold's data set: the held-out part is its test split, and there is no validation to select on."""

    fold: Fold
    dataset: Dataset

    @property
    def name(self) -> str:
        """`repeat-1-fold-2`."""
        return f"repeat-{self.fold.repeat + 1}-fold-{self.fold.index + 1}"


def split_into_folds(dataset: Dataset, k: int, repeats: int = 1, *, seed: int) -> Iterator[FoldData]:
    """The data sets of all folds: stratified, copies and groups together; all images take part.

    Args:
        dataset: of which all splits are pooled.
        k: how many folds.
        repeats: how often, each time with another deal.
        seed: of the deals.

    Raises:
        DataError: fewer different images of a class than folds.
    """
    pooled = dataset.all_for_training().train
    names = dataset.class_names
    labels: Sequence[str | float] = [names[i] if names else i for i in pooled.labels.tolist()]
    dealt = folds(
        pooled.hashes,
        strata(labels),
        pooled.clusters or range(len(pooled)),
        k=k,
        repeats=repeats,
        seed=seed,
    )
    for fold in dealt:
        train, held_out = pooled.take(fold.train), pooled.take(fold.held_out)
        yield FoldData(fold, replace(dataset, train=train, validation=pooled.take(()), test=held_out))


@dataclass(frozen=True)
class FoldScores:
    """What the folds say together.

    Attributes:
        values: accuracy (or mean absolute error) of each fold, repeat by repeat.
        folds, repeats: how often.
        figure: what the values are.
        candidates: the same figure of each candidate; `values` take the one that the other folds prefer.
        losses: of each candidate, over all that was held out: log loss, or mean squared error.
        standing: which candidate each fold stands for.
    """

    values: tuple[float, ...]
    folds: int
    repeats: int
    figure: str = "accuracy"
    candidates: dict[str, tuple[float, ...]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    standing: tuple[str, ...] = ()

    @property
    def mean(self) -> MeanOverRuns:
        """Mean, standard deviation and interval over the folds."""
        return self._mean_of(self.values)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: `accuracy.{value,sd,interval,n}`, `folds`, `repeats`; `candidates` and `standing` if
        several.
        """
        candidates = {
            name: self._mean_of(values).to_dict() | {"loss": self.losses.get(name)}
            for name, values in self.candidates.items()
        }
        several = {"candidates": candidates, "standing": list(self.standing)} if len(candidates) > 1 else {}
        return {
            self.figure: self.mean.to_dict(),
            "folds": self.folds,
            "repeats": self.repeats,
            **several,
        }

    def _mean_of(self, values: tuple[float, ...]) -> MeanOverRuns:
        return MeanOverRuns.of_folds(values, self.folds, is_share=self.figure == "accuracy")


def score_of(evaluation: dict[str, Any]) -> tuple[str, float]:
    """The name and value of the figure that a fold is judged by."""
    figure = "accuracy" if "accuracy" in evaluation else "mean_absolute_error"
    return figure, float(evaluation[figure]["value"])
