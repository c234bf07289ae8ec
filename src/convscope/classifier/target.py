"""What the outputs of a classifier mean."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from convscope.config.asked import Task


@dataclass(frozen=True)
class Target:
    """What the outputs mean: class scores, or one number.

    Attributes:
        task: classification or regression.
        class_names: in index order; empty for regression.
        mean, std: a regression's output is `prediction = output * std + mean`.
        low, high: the range of the numbers seen in training.
        temperature: class scores are divided by it, so that probabilities are right as often as they say; it
            changes no order among them.
    """

    task: Task = "classification"
    class_names: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    low: float = 0.0
    high: float = 0.0
    temperature: float = 1.0

    def scaled(self, outputs: Tensor) -> Tensor:
        """Class scores divided by the temperature; a regression's outputs in the unit of its numbers."""
        if self.task == "regression":
            return outputs * self.std + self.mean
        return outputs if self.temperature == 1 else outputs / self.temperature

    @property
    def num_outputs(self) -> int:
        """Units of the last layer."""
        return len(self.class_names) if self.task == "classification" else 1
