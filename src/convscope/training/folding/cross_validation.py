"""Cross-validation: fit and judge every fold, each in a run of its own in `folds/`.

A fine-tuned network and its fitted head alone are both judged on what was held out. Which of the two a fold
stands for is decided by the other folds of the same repeat, so that no image has a say in its own figure;
which of them the final fit keeps, by all folds.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from convscope.classifier.classifier import Classifier
from convscope.evaluation.metrics import Evaluation
from convscope.evaluation.predictions import (
    Predictions,
    has_predictions,
    predict_images,
    read_predictions,
    write_predictions,
)
from convscope.runs.checkpoint_names import HEAD, LAST
from convscope.runs.folder import SUMMARY, Run
from convscope.training.fit import fit
from convscope.training.folding.folds import FoldData, FoldScores, score_of, split_into_folds
from convscope.training.objective import Score
from convscope.training.outcome.results import seconds_per_image
from convscope.training.preparation import Job, prepare
from convscope.training.progress import AsWork, Choice
from convscope.wording import percent, percent_decimals, rounded
from convscope.work import counted


@dataclass(frozen=True, eq=False)
class _Judged:
    """A fold that is fitted, and what each candidate, by its name, says of the images held out from it."""

    run: Run
    part: FoldData
    candidates: dict[str, Predictions]

    def figure(self, name: str) -> tuple[str, float]:
        """What a candidate is judged by, and its value."""
        return score_of(self.candidates[name].evaluation.to_dict())


def cross_validate(run: Run, job: Job, folds: int, deadline: float | None) -> tuple[FoldScores, str]:
    """Fit and judge every fold; finished ones are not done again.

    Args:
        run: the run whose folds they are.
        job: with the data set that is divided.
        folds: into how many parts.
        deadline: of all folds and the final fit together, on `time.perf_counter`.

    Returns:
        What the folds say, and which candidate the final fit should keep: `head` or `last`.
    """
    repeats = job.config.data.repeats
    parts = list(split_into_folds(job.dataset, folds, repeats, seed=job.config.split_seed))
    judged: list[_Judged] = []
    per_image = 0.0 if deadline is None else seconds_per_image(job)
    for number, part in enumerate(counted(parts, "fold")):
        fold_run = Run(run.path / "folds" / part.name)
        if not has_predictions(fold_run, LAST):
            _fit_fold(fold_run, part, job, _share_of(deadline, parts[number:], per_image))
        judged.append(_Judged(fold_run, part, _read_candidates(fold_run)))
        figure, value = judged[-1].figure(LAST)
        decimals = percent_decimals(len(part.dataset.test))
        said = percent(value, decimals) if figure == "accuracy" else rounded(value)
        of = f"fold {number + 1} of {len(parts)}"
        job.progress.on_choice(Choice(of, f"{figure.replace('_', ' ')} {said}"))
    values = tuple(_stand_for(fold, _better(_others(fold, judged))) for fold in judged)
    candidates = {name: tuple(fold.figure(name)[1] for fold in judged) for name in judged[0].candidates}
    return FoldScores(values, folds, repeats, figure, candidates), _better(judged)


def _fit_fold(fold_run: Run, part: FoldData, job: Job, deadline: float | None) -> None:
    """Fit a fold and keep what its candidates say of the held-out images; `last` is written last."""
    fold_run.path.mkdir(parents=True, exist_ok=True)
    fold_run.write_config(job.config)
    fitted = fit(fold_run, prepare(job.config, part.dataset, job.device, AsWork()), deadline=deadline)
    for name in (HEAD, LAST) if job.is_pretrained and fitted.kept != HEAD else (LAST,):
        classifier = Classifier.load(fold_run.path, name).to(job.device)
        write_predictions(fold_run, predict_images(classifier, part.dataset.test, name))
    fold_run.write("fitted.json", fitted.to_dict())
    shutil.rmtree(fold_run.checkpoint_folder)  # a fold is judged, not used


def _read_candidates(fold_run: Run) -> dict[str, Predictions]:
    names = [name for name in (HEAD, LAST) if has_predictions(fold_run, name)]
    return {name: read_predictions(fold_run, name) for name in names}


def _stand_for(fold: _Judged, name: str) -> float:
    """Let a fold be judged by one of its candidates; returns the figure."""
    write_predictions(fold.run, replace(fold.candidates[name], split="test"))
    fold.run.write(SUMMARY, {"kept": name, "test": fold.candidates[name].evaluation.to_dict()})
    return fold.figure(name)[1]


def _others(fold: _Judged, judged: Sequence[_Judged]) -> list[_Judged]:
    repeat = fold.part.fold.repeat
    return [each for each in judged if each is not fold and each.part.fold.repeat == repeat]


def _better(folds: Sequence[_Judged]) -> str:
    """The candidate that is right most often on what these folds held out; of equals, the surer one."""
    return max(folds[0].candidates, key=lambda name: _score(folds, name))


def _score(folds: Sequence[_Judged], name: str) -> Score:
    """Over all images that the folds held out."""
    evaluations = [fold.candidates[name].evaluation for fold in folds]
    sizes = [len(fold.candidates[name]) for fold in folds]
    accuracy = loss = 0.0
    for evaluation, size in zip(evaluations, sizes, strict=True):
        if isinstance(evaluation, Evaluation):
            accuracy += size * evaluation.accuracy.value
            loss += size * evaluation.loss
        else:
            loss += size * evaluation.root_mean_squared_error**2
    return accuracy / sum(sizes), -loss / sum(sizes)


def _share_of(deadline: float | None, parts: Sequence[FoldData], per_image: float) -> float | None:
    """When the next fold must be fitted, so that all folds and the fit on all images get as many epochs.

    Judging two candidates on what is held out takes `per_image` seconds an image and candidate.
    """
    if deadline is None:
        return None
    sizes = [len(part.dataset.train) for part in parts]
    everything = len(parts[0].dataset.train) + len(parts[0].dataset.test)
    now = time.perf_counter()
    share = (deadline - now) * sizes[0] / (sum(sizes) + everything)
    return now + max(0.0, share - 2 * per_image * len(parts[0].dataset.test))
