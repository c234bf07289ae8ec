"""From a classifier's outputs on a split to its evaluation, whatever the task."""

import numpy as np
from numpy.typing import NDArray

from convscope.classifier.classifier import Target
from convscope.data.dataset import ImageSet
from convscope.evaluation.metrics import Evaluation, evaluate_logits
from convscope.evaluation.regression import Regression, evaluate_regression

ImageEvaluation = Evaluation | Regression


def evaluate_outputs(target: Target, outputs: NDArray[np.float32], images: ImageSet) -> ImageEvaluation:
    """Evaluate outputs `(N, num_outputs)`, as `Classifier.logits` gives them, against a split's labels."""
    if target.task == "regression":
        labels = images.labels.numpy().astype(np.float32)
        return evaluate_regression(outputs[:, 0], labels, images.ids, (target.low, target.high))
    return evaluate_logits(outputs, images.labels.numpy(), images.ids, target.class_names)
