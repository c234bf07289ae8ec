"""What the head of a pretrained network says of every image, each time a head that was not fitted on it.

A label is judged by a network that never saw it: those of the training images too, where most wrong labels
are, and of which a fitted head only repeats what it was told. The features are those that the run's head
sees, so that five heads take seconds. Why out of sample: Northcutt, Jiang and Chuang, "Confident learning"
(2021).
"""

import numpy as np
import torch

from convscope.classifier.classifier import Classifier
from convscope.data.splitting.splits import folds
from convscope.errors import UsageError
from convscope.evaluation.evaluating import load_own_data
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import Predictions, write_predictions
from convscope.runs.again import OUT_OF_SAMPLE, is_refittable
from convscope.runs.checkpoint_names import HEAD
from convscope.runs.folder import Run
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.features import find_features
from convscope.training.objective import even_class_weights
from convscope.training.preparation import fits_on_mirror_images
from convscope.wording import here
from convscope.work import counted

FOLDS = 5


def judge_all(run: Run) -> Predictions:
    """Answers to all images of a run, each by a head that was fitted without it; kept in the run.

    Raises:
        UsageError: the run has no head to fit, or a class has fewer images than there are folds.
        DataError, RunError: its images are elsewhere, or it is not finished.
    """
    if run.config.data.folds is not None:
        return read_held_out(run)
    if not is_refittable(run):
        raise UsageError(
            f"{here(run.path)} was trained from scratch: its own training images are judged by it only if it "
            "is trained with --folds 5, which holds each out once"
        )
    classifier = Classifier.load(run.path, HEAD)
    images = load_own_data(run.path, classifier).all_for_training().train
    draws = [images.images, images.images.mirror()] if fits_on_mirror_images(run.config) else [images.images]
    features = torch.stack([find_features(classifier.network, classifier.preprocessing, d) for d in draws])
    names, labels = classifier.class_names, images.labels
    outputs = np.zeros((len(images), len(names)), dtype=np.float32)
    dealt = folds(
        images.hashes,
        [names[label] for label in labels.tolist()],
        images.clusters or range(len(images)),
        k=FOLDS,
        seed=run.config.split_seed,
    )
    for fold in counted(dealt, "head"):
        inside, outside = torch.tensor(fold.train), torch.tensor(fold.held_out)
        weights = None
        if run.config.training.balance != "none":
            weights = even_class_weights(labels[inside], len(names))[labels[inside]]
        head = fit_head(features[:, inside], labels[inside], num_classes=len(names), weights=weights)
        outputs[fold.held_out, :] = (features[0, outside] @ head.weight.T + head.bias).numpy()
    judged = Predictions.of(classifier.target, outputs, images, OUT_OF_SAMPLE)
    write_predictions(run, judged)
    return judged
