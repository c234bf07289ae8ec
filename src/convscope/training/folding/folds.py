"""Small data, judged honestly: every image is held out once, by a classifier that never saw it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from convscope.config.asked import DataConfig
from convscope.data.dataset import Dataset, ImageSet, join
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


def split_into_folds(dataset: Dataset, config: DataConfig, seed: int) -> Iterator[FoldData]:
    """The data sets of all folds: stratified, copies and groups together; all images take part.

    Raises:
        DataError: fewer different images of a class than folds.
    """
    assert config.folds is not None
    pooled = pool(dataset)
    names = dataset.class_names
    labels: Sequence[str | float] = [names[i] if names else i for i in pooled.labels.tolist()]
    dealt = folds(
        pooled.hashes,
        strata(labels),
        pooled.clusters or range(len(pooled)),
        k=config.folds,
        repeats=config.repeats,
        seed=seed,
    )
    for fold in dealt:
        train, held_out = pooled.take(fold.train), pooled.take(fold.held_out)
        yield FoldData(fold, replace(dataset, train=train, validation=pooled.take(()), test=held_out))


def pool(dataset: Dataset) -> ImageSet:
    """All images of a data set."""
    return join([images for images in dataset.splits.values() if len(images)])


def on_all_images(dataset: Dataset) -> Dataset:
    """The data set of the final fit: everything is for training."""
    pooled = pool(dataset)
    return replace(dataset, train=pooled, validation=pooled.take(()), test=pooled.take(()))


@dataclass(frozen=True)
class FoldScores:
    """What the folds say together.

    Attributes:
        values: accuracy (or mean absolute error) of each fold, repeat by repeat.
        folds, repeats: how often.
        figure: what the values are.
        candidates: the same figure of each candidate; `values` take the one that the other folds prefer.
    """

    values: tuple[float, ...]
    folds: int
    repeats: int
    figure: str = "accuracy"
    candidates: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def mean(self) -> MeanOverRuns:
        """Mean, standard deviation and interval over the folds."""
        return self._mean_of(self.values)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: `accuracy.{value,sd,interval,n}`, `folds`, `repeats`, `candidates` if two."""
        candidates = {name: self._mean_of(values).to_dict() for name, values in self.candidates.items()}
        return {
            self.figure: self.mean.to_dict(),
            "folds": self.folds,
            "repeats": self.repeats,
            **({"candidates": candidates} if len(candidates) > 1 else {}),
        }

    def _mean_of(self, values: tuple[float, ...]) -> MeanOverRuns:
        return MeanOverRuns.of_folds(values, self.folds, is_share=self.figure == "accuracy")


def score_of(evaluation: dict[str, Any]) -> tuple[str, float]:
    """The name and value of the figure that a fold is judged by."""
    figure = "accuracy" if "accuracy" in evaluation else "mean_absolute_error"
    return figure, float(evaluation[figure]["value"])
