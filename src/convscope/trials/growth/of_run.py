"""What more images would bring to a run: by its backbone's exact head, or by trainings."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from convscope.classifier.classifier import Classifier
from convscope.config.experiment_file import override
from convscope.config.resolved import resolve
from convscope.data.dataset import Dataset, ImageSet, join
from convscope.data.splitting.splits import folds
from convscope.diagnosis.rule import AbsentError
from convscope.errors import DataError
from convscope.evaluation.predictions import (
    Predictions,
    has_predictions,
    predict_images,
    read_predictions,
    write_predictions,
)
from convscope.networks.pretrained import is_pretrained
from convscope.runs.folder import Run
from convscope.training.device import use_device
from convscope.training.fine_tuning.features import find_features
from convscope.training.fit import fit
from convscope.training.preparation import Job, load_planned, prepare
from convscope.training.progress import Progress
from convscope.trials.growth.by_head import curve_by_head
from convscope.trials.growth.curve import Curve, stratified_order, subset_sizes
from convscope.trials.growth.law import Forecast, fit_law
from convscope.work import counted

FOLDS = 5
FACTOR = 2.0
SIZES, TIMES = 4, 2
"""Of trainings: an eighth, a quarter and a half of the images, each twice with other images, and the run."""


def forecast_by_head(run: Run, data: Dataset) -> Forecast:
    """What twice the images would bring, in seconds.

    The pretrained backbone is as it was before the run; test images take no part, unless folds judged it.

    Args:
        run: that began with a pretrained network.
        data: its images, divided as it was trained on them.

    Raises:
        AbsentError: it cannot be said, and why.
    """
    _must_classify(run)
    if not is_pretrained(run.config.network.name):
        raise AbsentError("it takes trainings: --learning-curve")
    classifier, images = Classifier.untrained(run), _pooled(data.train, data.validation)
    clusters = images.clusters or tuple(range(len(images)))
    names = [data.class_names[label] for label in images.labels.tolist()]
    try:
        parts = [
            (fold.train, fold.held_out)
            for fold in folds(images.hashes, names, clusters, k=FOLDS, repeats=1, seed=run.config.split_seed)
        ]
    except DataError:
        raise AbsentError(f"a class has fewer than {FOLDS} images") from None
    features = find_features(classifier.network, classifier.preprocessing, images.images)
    curve = curve_by_head(features, images.labels, clusters, parts, run.config.split_seed)
    return fit_law(curve).forecast(FACTOR)


def forecast_by_training(run: Run, progress: Progress) -> Forecast:
    """The same by trainings on parts of the run's training images, as many steps each.

    They lie in `RUN-curve` beside the run; what is there is used, and what was stopped goes on.

    Raises:
        AbsentError: it cannot be said, and why.
        ConvscopeError: as training raises them.
    """
    return fit_law(curve_by_training(run, progress)).forecast(FACTOR)


def curve_by_training(run: Run, progress: Progress) -> Curve:
    """The errors on the images that the run held out, by how many it was trained on."""
    job, held_out, steps = _opened(run, progress)
    train, classes = job.dataset.train, len(job.dataset.class_names)
    clusters = train.clusters or tuple(range(len(train)))
    sizes = subset_sizes(len(train), classes, SIZES, ratio=2.0)
    wrong = np.zeros((len(sizes), len(held_out)))
    config = resolve(override(job.config, {"training.steps": steps}))
    folder = run.path.parent / f"{run.path.name}-curve"
    orders = [stratified_order(train.labels.tolist(), clusters, config.seed + time) for time in range(TIMES)]
    tasks = [(place, size, time) for place, size in enumerate(sizes[:-1]) for time in range(TIMES)]
    for place, size, time in counted(tasks, "training of the learning curve"):
        part = replace(job.dataset, train=train.take(orders[time][:size]))
        path = folder / f"images-{size}-{time + 1}"
        wrong[place] += _wrong(_judged(path, replace(job, config=config, dataset=part), held_out)) / TIMES
    wrong[-1] = _wrong(predict_images(Classifier.load(run.path).to(job.device), held_out, "test"))
    counts = np.bincount(held_out.labels.numpy(), minlength=classes)
    return Curve(
        sizes=np.array(sizes, dtype=np.int64),
        wrong=wrong,
        clusters=np.array(held_out.clusters or range(len(held_out)), dtype=np.int64),
        by_chance=float(1 - counts.max() / counts.sum()),
        by=f"trainings of {steps:,} steps on parts of the images",
    )


def _opened(run: Run, progress: Progress) -> tuple[Job, ImageSet, int]:
    """The run's own fit, before its first step, the images that it held out, and how many steps it took."""
    _must_classify(run)
    summary = run.summary()
    if summary is None:
        raise AbsentError("the run is not finished")
    if run.config.data.folds is not None:
        raise AbsentError("a learning curve by trainings needs images held out, and the run has folds")
    config = replace(run.config, data=run.data)
    data, device = load_planned(config), use_device(config.training)
    held_out = _pooled(data.validation, data.test)
    if not len(held_out):
        raise AbsentError("no image was held out")
    return Job(config, data, Classifier.untrained(run), device, progress), held_out, int(summary["steps"])


def _judged(path: Path, job: Job, held_out: ImageSet) -> Predictions:
    """What a training on fewer images says; its weights are not kept."""
    run = Run(path)
    if not has_predictions(run, "test"):
        path.mkdir(parents=True, exist_ok=True)
        run.write_config(job.config)
        fit(run, prepare(job.config, job.dataset, job.device, job.progress))
        answers = predict_images(Classifier.load(path).to(job.device), held_out, "test")
        write_predictions(run, answers)
        shutil.rmtree(run.checkpoint_folder)
    return read_predictions(run, "test")


def _wrong(judged: Predictions) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(judged.predicted != judged.labels, dtype=np.float64)


def _pooled(*parts: ImageSet) -> ImageSet:
    kept = [part for part in parts if len(part)]
    return join(kept) if kept else parts[0]


def _must_classify(run: Run) -> None:
    if run.config.data.task == "regression":
        raise AbsentError("the network answers with a number, not with a class")
