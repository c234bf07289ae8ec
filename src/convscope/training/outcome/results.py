"""What a run says about itself in the end: its predictions and its final figures."""

import dataclasses
import math
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

from convscope.classifier.classifier import Classifier
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.sources.source import SPLITS
from convscope.evaluation.corrected import REMOVED, read_both_ways
from convscope.evaluation.predictions import Predictions, write_predictions
from convscope.evaluation.together import judged_together
from convscope.networks.following.summarising import summarise
from convscope.runs.checkpoint_names import HEAD
from convscope.runs.folder import NETWORK, STEP_BY_STEP, SUMMARY, Run
from convscope.training.fit import Fitted
from convscope.training.folding.folds import FoldScores
from convscope.training.outcome.fits import compare_fits, seconds_to_compare
from convscope.training.outcome.showcase import choose_showcase
from convscope.training.outcome.teaching import (
    FEWEST_SEEN,
    Lesson,
    keep_lesson,
    look_at_training,
    teach,
    teach_by_folds,
)
from convscope.training.outcome.way import one_way
from convscope.training.preparation import Job

MEASURED, WARM_UP = 64, 4
"""Images, to see how long one takes, and those that pass before them, untimed: a process's first pass loads
libraries and chooses kernels, which no later one does."""


def finish_run(
    run: Run,
    job: Job,
    fitted: Fitted,
    *,
    started: float,
    folds: FoldScores | None = None,
    by_head: bool = False,
    tries_fits: bool = True,
) -> None:
    """Evaluate the run's classifier on validation and test; keep predictions, its layers and its figures.

    A cross-validated run (`folds`) is fitted on all its images: its test figures are made of what its folds
    said about the images held out from them. `started` is when the run was begun or went on, on
    `time.perf_counter`.
    Where only the head of a pretrained network was fitted, its answers can be made `by_head`, from features.
    Other ways to fit images into the square are tried then not, nor without `tries_fits`.
    """
    dataset = job.dataset
    lesson = _learn_from_held_out(run, job, fitted, is_folded=folds is not None, by_head=by_head)
    classifier = lesson.classifier
    judged = [] if lesson.predictions is None else [(lesson.predictions, _held_out(dataset))]
    if len(dataset.test):
        judged.append((lesson.predict(dataset.test, "test", by_features=by_head), dataset.test))
    for predictions, _ in judged:
        write_predictions(run, predictions)
    removed = dataset.removed
    if removed is not None and len(removed):
        write_predictions(run, lesson.predict(removed, REMOVED, by_features=by_head))
    corrections = _corrections(run, dataset, judged[-1][0] if judged else None)
    run.write_arrays("predictions/images.npz", choose_showcase(judged))
    fits = [] if by_head or not tries_fits else compare_fits(classifier, run.data, dataset.validation)
    shape = (classifier.preprocessing.channels, *classifier.preprocessing.size)
    run.write(NETWORK, dataclasses.asdict(summarise(classifier.network, shape)))
    if judged:
        _keep_way(run, classifier, *judged[-1], dataset)
    run.write(
        SUMMARY,
        {
            "run": str(run.path),
            "network": classifier.network_config.name,
            "parameters": sum(parameter.numel() for parameter in classifier.network.parameters()),
            "checkpoint": fitted.kept,
            **fitted.to_dict(),
            "untrained": _untrained(fitted, classifier),
            **({"fits": [fit.to_dict() for fit in fits]} if fits else {}),
            **({} if folds is None else {"folds": folds.to_dict()}),
            **lesson.to_dict(),
            "unknown": {
                predictions.split: predictions.unknown.to_dict()
                for predictions, _ in judged
                if predictions.unknown is not None
            },
            **{predictions.split: predictions.evaluation.to_dict() for predictions, _ in judged},
            **corrections,
            "by_series": {
                predictions.split: found.to_dict()
                for predictions, _ in judged
                if (found := judged_together(predictions)) is not None
            },
            "notes": _notes([predictions.split for predictions, _ in judged]),
            "seconds": {
                "train": round(fitted.seconds, 2),
                "total": round(fitted.earlier + time.perf_counter() - started, 2),
            },
        },
    )


def _keep_way(
    run: Run, classifier: Classifier, predictions: Predictions, images: ImageSet, dataset: Dataset
) -> None:
    """How one answer comes about; of a cross-validated run, whose folds held the images out, for one of those
    that this classifier was trained on.

    It adorns the report: where it fails, a warning says so, and the training is finished all the same.
    """
    split = "training" if images is dataset.train else predictions.split
    try:
        way = one_way(classifier, predictions, images, split=split)
    except Exception as error:  # a network from elsewhere may do anything, and its figures are worth more
        said = f"one prediction, step by step, is left out of the report: {type(error).__name__}: {error}"
        warnings.warn(said, stacklevel=2)
        return
    if way is not None:
        run.write(STEP_BY_STEP, way)


def _corrections(run: Run, dataset: Dataset, judged: Predictions | None) -> dict[str, Any]:
    """How many labels were corrected where, and the test's figures by both; nothing where none was."""
    if not dataset.corrected:
        return {}
    counts = Counter(
        (each.split, "changed" if each.new is not None else "removed") for each in dataset.corrected
    )
    found: dict[str, Any] = {
        split: {what: counts[split, what] for what in ("changed", "removed")} for split in SPLITS
    }
    if judged is not None and judged.split == "test":
        both = read_both_ways(run, judged)
        if both is not None:
            found["figures"] = both.to_dict()
    return {"corrections": found}


def _learn_from_held_out(run: Run, job: Job, fitted: Fitted, *, is_folded: bool, by_head: bool) -> Lesson:
    """What validation, or the images that folds held out, teach about the classifier; kept in the run."""
    dataset = job.dataset
    seen = look_at_training(
        Classifier.load(run.path, fitted.kept).to(job.device),
        dataset.train,
        epochs=fitted.epochs,
        has_features=fitted.kept == HEAD,
    )
    if is_folded:
        lesson = teach_by_folds(seen, run)
    elif len(dataset.validation):
        answered = (seen.answer_by_features if by_head else seen.answer)(dataset.validation)
        said = Predictions.of(seen.classifier.target, answered.logits, dataset.validation, "validation")
        lesson = teach(seen, said, answered.unlikeness)
    else:
        return Lesson(classifier=seen.classifier)
    keep_lesson(run, lesson, fitted.kept)
    return lesson


def _held_out(dataset: Dataset) -> ImageSet:
    """A cross-validated run has all images in its training split, and held each out once."""
    return dataset.validation if len(dataset.validation) else dataset.train


def _notes(judged: Sequence[str]) -> list[str]:
    """What no figure says because no image was left to say it."""
    if "test" in judged:
        return []
    watched = "; the validation images were watched while it was trained" if "validation" in judged else ""
    return [
        f"no image was left for the test: how good it is on images it never met is not known{watched}. "
        "Hold each image out once with --folds 5, or keep some with --test-fraction 0.2"
    ]


def finishing_seconds(job: Job) -> tuple[float, float]:
    """What `finish_run` will take, from a few images: without trying other fits, and for those."""
    validation, test, per_image = job.dataset.validation, job.dataset.test, seconds_per_image(job)
    fits = seconds_to_compare(job.classifier, job.config.data, validation.ids, per_image)
    candidates = 2 * len(validation) if job.is_pretrained else 0
    seen = min(FEWEST_SEEN, len(job.dataset.train))
    return per_image * (len(validation) + candidates + len(test) + seen), fits


def seconds_per_image(job: Job) -> float:
    """What the classifier takes for one image, from a few."""
    images = job.dataset.train.images[:MEASURED]
    job.classifier.logits(images[:WARM_UP])
    begun = time.perf_counter()
    job.classifier.logits(images)
    return (time.perf_counter() - begun) / max(1, len(images))


def _untrained(fitted: Fitted, classifier: Classifier) -> dict[str, Any] | None:
    """Loss and accuracy before the first step, beside what a network that knows nothing has."""
    figures = fitted.measured.get("untrained")
    if figures is None:
        return None
    chance = math.log(len(classifier.class_names)) if classifier.class_names else None
    return {"loss": figures.loss, "accuracy": figures.accuracy, "chance_loss": chance}
