"""What training minimises, and the two figures it is watched by."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.classifier.logits import compute_logits
from convscope.classifier.target import Target
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing

Score = tuple[float, float]
"""Accuracy and minus the loss, compared in this order: of two as accurate the one of lower loss is better."""


@dataclass(frozen=True)
class Figures:
    """Loss and accuracy of some images in evaluation mode; no accuracy for numbers."""

    loss: float
    accuracy: float | None

    @property
    def score(self) -> Score:
        """For comparing; higher is better."""
        return 0.0 if self.accuracy is None else self.accuracy, -self.loss


@dataclass(frozen=True, eq=False)
class Objective:
    """Cross-entropy for classes; mean squared error, in units of the targets' deviation, for numbers.

    Attributes:
        target: what the outputs mean.
        label_smoothing: share of each target that is spread over all classes (Szegedy et al. 2016).
        class_weights: `(num_classes,)`, factors on each class's loss; None for all alike.
    """

    target: Target
    label_smoothing: float = 0.0
    class_weights: Tensor | None = None

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Mean over the batch: outputs `(N, K)`; labels `(N,)`, or soft targets `(N, K)`."""
        if self.target.task == "regression":
            return F.mse_loss(outputs[:, 0], (labels.float() - self.target.mean) / self.target.std)
        return F.cross_entropy(
            outputs, labels, weight=self.class_weights, label_smoothing=self.label_smoothing
        )

    def accuracy(self, outputs: Tensor, labels: Tensor) -> float | None:
        """Share of right answers in a batch; None for regression."""
        if self.target.task == "regression":
            return None
        classes = labels.argmax(1) if labels.ndim == 2 else labels
        return (outputs.argmax(1) == classes).float().mean().item()

    def measure(
        self, network: nn.Module, preprocessing: Preprocessing, images: Images, labels: Tensor
    ) -> Figures:
        """A whole split in evaluation mode, without smoothing or class weights."""
        return self.judge(compute_logits(network, preprocessing, images), labels)

    def judge(self, outputs: Tensor, labels: Tensor) -> Figures:
        """Outputs `(N, K)` on the CPU, without smoothing or class weights."""
        labels = labels.cpu()
        plain = Objective(self.target)
        return Figures(plain.loss(outputs, labels).item(), plain.accuracy(outputs, labels))


def even_class_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Factors `(num_classes,)` that give every class the same say, and the whole loss its scale."""
    counts = torch.bincount(labels, minlength=num_classes).clamp(min=1).float()
    return len(labels) / (num_classes * counts)
