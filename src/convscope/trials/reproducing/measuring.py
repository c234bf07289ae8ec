"""The figures of a finished training, each as an experiment's file names it."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.classifier.classifier import Classifier
from convscope.config.reference import Figure
from convscope.data.dataset import Dataset
from convscope.data.synthetic.counting import counting_source
from convscope.errors import RunError, UsageError
from convscope.evaluation.errors import cross_entropy_per_image
from convscope.evaluation.evaluating import load_own_data
from convscope.evaluation.predictions import Predictions, has_predictions, predict_images, read_predictions
from convscope.runs.checkpoint_names import HEAD
from convscope.runs.checkpoints import list_checkpoints
from convscope.runs.folder import Run
from convscope.trials.cards.figures import Measured, difference
from convscope.trials.reproducing.measured_wrongly import right_while_training

KEPT = "reproduction.json"
"""What took long to measure, in the run that it was measured on."""

FORMAT = 1
IMAGES_SHOWN = 20
"""Fresh images of so many circles, whose mean answer is the figure."""


@dataclass(frozen=True)
class Trained:
    """A finished training and where the same training is when it is stopped earlier."""

    run: Run
    stopped_at: Callable[[int], Run | None]

    @cached_property
    def data(self) -> Dataset:
        """Its images, divided as in training."""
        return load_own_data(self.run.path, Classifier.load(self.run.path))

    @cached_property
    def right_while_training(self) -> NDArray[np.bool_]:
        """Which test images are right where the optimizer goes on while they are counted."""
        return right_while_training(self.run)

    @cached_property
    def on_training_images(self) -> Predictions:
        """What the finished classifier says of all the images that it learned from."""
        return predict_images(Classifier.load(self.run.path), self.data.train, "train")


def measure(trained: Trained, figures: tuple[Figure, ...]) -> dict[str, Measured]:
    """All figures that this training can give, by name; what it cannot give is left out.

    What took long is kept in the run, and not measured again.
    """
    found: dict[str, Measured] = {}
    kept = _read_kept(trained.run)
    for figure in figures:
        name = figure.name
        if name in kept:
            found[name] = kept[name]
            continue
        measured = _measure(trained, figure)
        if measured is None:
            continue
        found[name] = measured
        if _takes_long(figure):
            kept[name] = measured
            _keep(trained.run, kept)
    return found


def _measure(trained: Trained, figure: Figure) -> Measured | None:
    if figure.kind == "seconds":
        summary = trained.run.summary() or {}
        return Measured(value=summary["seconds"]["train"])
    if figure.shown is not None:
        return Measured.mean_of(answers_to_circles(trained.run, figure.shown))
    if figure.first is not None:
        return _followed(trained, figure)
    if figure.kind == "difference":
        first, second = _right(trained, figure), _right(trained, Figure(split=figure.minus or "test"))
        return difference(first, second, paired=figure.split == figure.minus)
    if figure.of == "optimizer running":
        return Measured.share(trained.right_while_training)
    answers = _answers(trained, figure)
    if answers is None:
        return None
    if figure.kind == "loss":
        logits = answers.logits * _temperature(trained, figure)
        return Measured.mean_of(cross_entropy_per_image(logits, answers.labels))
    return Measured.share(answers.predicted == answers.labels)


def _temperature(trained: Trained, figure: Figure) -> float:
    """What the answers were divided by when the classifier was kept, and the source's were not."""
    if figure.of == "head":
        return 1.0
    run = trained.run if figure.at_step is None else trained.stopped_at(figure.at_step)
    fitted = ((run.summary() if run is not None else None) or {}).get("temperature") or {}
    return float(fitted.get("value", 1.0))


def _takes_long(figure: Figure) -> bool:
    return (
        figure.split == "train"
        or figure.first is not None
        or figure.of != "classifier"
        or figure.shown is not None
    )


def _right(trained: Trained, figure: Figure) -> NDArray[np.bool_]:
    """Which images are answered rightly."""
    if figure.of == "optimizer running":
        return trained.right_while_training
    answers = _answers(trained, figure)
    if answers is None:
        raise RunError(f"{trained.run.path} has no {figure.split} images")
    right: NDArray[np.bool_] = answers.predicted == answers.labels
    return right


def _answers(trained: Trained, figure: Figure) -> Predictions | None:
    """What the classifier, or an earlier state of it, said of a split."""
    if figure.at_step is not None:
        earlier = trained.stopped_at(figure.at_step)
        return None if earlier is None else _of_run(earlier, figure.split)
    if figure.of == "head":
        return _of_head(trained, figure.split)
    return trained.on_training_images if figure.split == "train" else _of_run(trained.run, figure.split)


def _of_run(run: Run, split: str) -> Predictions | None:
    return read_predictions(run, split) if has_predictions(run, split) else None


def _of_head(trained: Trained, split: str) -> Predictions | None:
    """What a pretrained network's fitted head said, before anything else was trained."""
    images = trained.data.splits[split]
    if not len(images):
        return None
    return predict_images(Classifier.load(trained.run.path, HEAD), images, split)


def _followed(trained: Trained, figure: Figure) -> Measured:
    """The accuracy on the first images, and on the whole split, at each checkpoint that is still there."""
    images, course, few = trained.data.splits[figure.split], [], Measured(value=math.nan)
    for path in list_checkpoints(trained.run.checkpoint_folder):
        step = int(path.name.rpartition("-")[2])
        answers = predict_images(Classifier.load(trained.run.path, str(step)), images, figure.split)
        right = answers.predicted == answers.labels
        few, all_of_them = Measured.share(right[: figure.first]), Measured.share(right)
        low, high = few.interval or (0.0, 1.0)
        whole_low, whole_high = all_of_them.interval or (0.0, 1.0)
        course.append(
            {"step": step, "value": few.value, "low": low, "high": high}
            | {"whole": all_of_them.value, "whole_low": whole_low, "whole_high": whole_high}
        )
    return dataclasses.replace(few, course=tuple(course))


def answers_to_circles(run: Run, count: int) -> NDArray[np.float64]:
    """Answers to fresh images of `count` circles, `(20,)`; of a classifier, its classes read as numbers."""
    name = run.config.data.source
    drawn, _, options = name.partition("?")
    if not drawn.startswith("counting:"):
        raise UsageError(f"{run.path} learned from {name}, which has no circles to count")
    kept = [each for each in options.split("&") if each and not each.startswith(("images=", "seed="))]
    source = counting_source(f"counting:{count}?" + "&".join([*kept, f"images={IMAGES_SHOWN}", "seed=1"]))
    classifier = Classifier.load(run.path)
    outputs = classifier.logits(torch.from_numpy(source.images)).numpy()
    if classifier.target.task == "regression":
        return np.asarray(outputs[:, 0], dtype=np.float64)
    numbers = np.array([float(each) for each in classifier.class_names])
    return np.asarray(numbers[outputs.argmax(axis=1)], dtype=np.float64)


def _read_kept(run: Run) -> dict[str, Measured]:
    """Nothing where the run has gone on since."""
    if not run.has(KEPT):
        return {}
    kept = run.read(KEPT)
    summary = run.summary() or {}
    if kept.get("format") != FORMAT or kept.get("steps") != summary.get("steps"):
        return {}
    return {name: Measured.from_dict(values) for name, values in kept["figures"].items()}


def _keep(run: Run, figures: dict[str, Measured]) -> None:
    summary = run.summary() or {}
    values = {name: measured.to_dict() for name, measured in figures.items()}
    run.write(KEPT, {"format": FORMAT, "steps": summary.get("steps"), "figures": values})
