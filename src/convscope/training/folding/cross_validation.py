"""Cross-validation: fit and judge every fold, each in a run of its own in `folds/`.

The fitted head alone, the fine-tuned network and the blend of their weights are all judged on what was held
out; `choosing` says which of them is reported and which kept.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from convscope.classifier.classifier import Classifier
from convscope.config.length import Steps
from convscope.evaluation.predictions import (
    Predictions,
    has_predictions,
    read_predictions,
    write_predictions,
)
from convscope.runs.checkpoint_names import BLEND, HEAD, LAST
from convscope.runs.folder import SUMMARY, Run
from convscope.training.fit import fit
from convscope.training.folding.choosing import choose_by_others, mean_losses
from convscope.training.folding.folds import FoldData, FoldScores, score_of, split_into_folds
from convscope.training.outcome.keeping import best_of, evidence
from convscope.training.outcome.results import seconds_per_image
from convscope.training.outcome.teaching import look_at_training, unlikeness_of
from convscope.training.preparation import Job, compute_features_once, prepare
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

    def said(self) -> str:
        """`accuracy 91 %`; where folds choose among several, `accuracy head 91 %, blend 92 %, last 90 %`."""
        decimals = percent_decimals(len(self.part.dataset.test))
        said = []
        for name in self.candidates:
            figure, value = self.figure(name)
            figured = percent(value, decimals) if figure == "accuracy" else rounded(value)
            said.append(figured if len(self.candidates) == 1 else f"{name} {figured}")
        return f"{figure.replace('_', ' ')} {', '.join(said)}"


def cross_validate(
    run: Run, job: Job, folds: int, deadline: float | None
) -> tuple[FoldScores, tuple[str, str]]:
    """Fit and judge every fold; finished ones are not done again.

    Args:
        run: the run whose folds they are.
        job: with the data set that is divided.
        folds: into how many parts.
        deadline: of all folds and the final fit together, on `time.perf_counter`.

    Returns:
        What the folds say, which candidate the final fit should keep, and on what evidence.
    """
    repeats = job.config.data.repeats
    parts = list(split_into_folds(job.dataset, folds, repeats, seed=job.config.split_seed))
    judged: list[_Judged] = []
    mirrors = not job.is_pretrained or compute_features_once(job, deadline)
    if not mirrors:
        job.progress.on_choice(Choice("mirror images", "left out", "there is no time for their features"))
    per_image = 0.0 if deadline is None else seconds_per_image(job)
    for number, part in enumerate(counted(parts, "fold")):
        fold_run = Run(run.path / "folds" / part.name)
        if not has_predictions(fold_run, LAST):
            _fit_fold(fold_run, part, job, _share_of(deadline, parts[number:], per_image), mirrors=mirrors)
        judged.append(_Judged(fold_run, part, _read_candidates(fold_run)))
        job.progress.on_choice(Choice(f"fold {number + 1} of {len(parts)}", judged[-1].said()))
    answers = [fold.candidates for fold in judged]
    standing = choose_by_others(answers, [fold.part.fold.repeat for fold in judged])
    values = tuple(_stand_for(fold, name) for fold, name in zip(judged, standing, strict=True))
    candidates = {name: tuple(fold.figure(name)[1] for fold in judged) for name in answers[0]}
    losses, (figure, _) = mean_losses(answers), judged[0].figure(LAST)
    scores = FoldScores(values, folds, repeats, figure, candidates, losses, tuple(standing))
    return scores, _kept(losses, len(judged), is_number=answers[0][LAST].is_regression)


def _kept(losses: dict[str, float], folds: int, *, is_number: bool) -> tuple[str, str]:
    if len(losses) == 1:
        return LAST, "nothing else was tried in the folds"
    return best_of(losses), evidence(losses, f"what {folds} folds held out", is_number=is_number)


def _fit_fold(fold_run: Run, part: FoldData, job: Job, deadline: float | None, *, mirrors: bool) -> None:
    """Fit a fold and keep what its candidates say of the held-out images; `last` is written last."""
    fold_run.path.mkdir(parents=True, exist_ok=True)
    fold_run.write_config(job.config)
    fold_job = prepare(job.config, part.dataset, job.device, AsWork())
    fitted = fit(fold_run, fold_job, deadline=deadline, mirrors=mirrors)
    held_out = part.dataset.test
    is_tuned = job.is_pretrained and job.config.training.length != Steps(0)
    for name in (HEAD, BLEND, LAST) if is_tuned else (LAST,):
        by_head = HEAD in (name, fitted.kept)  # for all three, where time was over before the first step
        classifier = Classifier.load(fold_run.path, HEAD if by_head else name).to(job.device)
        seen = look_at_training(classifier, part.dataset.train, epochs=fitted.epochs, has_features=by_head)
        answered = seen.answer_by_features(held_out) if by_head else seen.answer(held_out)
        fold_run.write_arrays(unlikeness_of(name), {"unlikeness": answered.unlikeness})
        write_predictions(fold_run, Predictions.of(classifier.target, answered.logits, held_out, name))
    fold_run.write("fitted.json", fitted.to_dict())
    shutil.rmtree(fold_run.checkpoint_folder)  # a fold is judged, not used


def _read_candidates(fold_run: Run) -> dict[str, Predictions]:
    names = [name for name in (HEAD, BLEND, LAST) if has_predictions(fold_run, name)]
    return {name: read_predictions(fold_run, name) for name in names}


def _stand_for(fold: _Judged, name: str) -> float:
    """Let a fold be judged by one of its candidates; returns the figure."""
    if fold.run.has(unlikeness_of(name)):
        fold.run.write_arrays(unlikeness_of("test"), fold.run.read_arrays(unlikeness_of(name)))
    write_predictions(fold.run, replace(fold.candidates[name], split="test"))
    fold.run.write(SUMMARY, {"kept": name, "test": fold.candidates[name].evaluation.to_dict()})
    return fold.figure(name)[1]


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
