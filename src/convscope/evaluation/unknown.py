"""How many images are so unlike those of training that no class is an answer to them."""

from dataclasses import dataclass
from typing import Any

from convscope.evaluation.proportion import Proportion
from convscope.wording import percent


@dataclass(frozen=True)
class Unknown:
    """How many images of a split are so unlike those of training that the answer is "unknown".

    Attributes:
        share: of all images.
        expected: the share of images like those of training that are called unknown all the same.
        accuracy: of the others; None for numbers.
    """

    share: Proportion
    expected: float
    accuracy: Proportion | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "share": self.share.to_dict(),
            "expected": self.expected,
            "accuracy_of_known": None if self.accuracy is None else self.accuracy.to_dict(),
        }

    def __str__(self) -> str:
        said = f"{self.share}; of images like those of training {percent(self.expected, 1)} are"
        known = "" if self.accuracy is None else f"; accuracy of the others {self.accuracy}"
        return said + known
