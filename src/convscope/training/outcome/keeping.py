"""Which of a fit's candidates the classifier is: the least loss on images that none was fitted on.

The test images have no say in it. Loss, not accuracy: on a few dozen images accuracies of good candidates are
equal or differ by an image, while the loss says how sure each was of every one.
"""

import math
from collections.abc import Mapping

from convscope.classifier.classifier import Classifier
from convscope.runs.checkpoint_names import BEST, BLEND, HEAD, LAST
from convscope.training.fine_tuning.blending import has_fitted_head, save_blended
from convscope.training.loop import Loop
from convscope.training.objective import Figures
from convscope.wording import listed, rounded, some


def choose_kept(loop: Loop, from_folds: tuple[str, str] | None) -> tuple[str, str]:
    """The name of the checkpoint that is kept, and why."""
    state = loop.state
    if loop.job.is_pretrained and state.step == 0:
        return HEAD, "nothing was trained but the head"
    tuned, why = LAST, "the last step"
    if loop.step.config.early_stopping is not None and state.best is not None:
        tuned, why = BEST, f"the best validation, after step {state.best_step:,}"
    if not loop.job.is_pretrained or not has_fitted_head(loop.run.checkpoint_folder):
        return tuned, why
    save_blended(loop.run.checkpoint_folder, tuned)
    validation = loop.job.dataset.validation
    if from_folds is not None or not len(validation):
        return from_folds or (tuned, "there are no validation images to choose by")
    if HEAD not in state.measured:  # begun by a version that did not keep its figures
        return tuned, why
    candidates = _candidates(loop, tuned)
    losses = {name: figures.loss for name, figures in candidates.items()}
    where = some(len(validation), "validation image")
    return best_of(losses), evidence(losses, where, is_number=candidates[HEAD].accuracy is None)


def best_of(losses: Mapping[str, float]) -> str:
    """The candidate of the least loss; of equals the first, and so the simplest."""
    return min(losses, key=lambda name: losses[name] if math.isfinite(losses[name]) else math.inf)


def evidence(losses: Mapping[str, float], where: str, *, is_number: bool) -> str:
    """`log loss 0.21 on 62 validation images, where head has 0.25 and last 0.24`."""
    best = best_of(losses)
    figure = "mean squared error" if is_number else "log loss"
    others = [f"{name} has {rounded(loss)}" for name, loss in losses.items() if name != best]
    return f"{figure} {rounded(losses[best])} on {where}, where {listed(others)}"


def _candidates(loop: Loop, tuned: str) -> dict[str, Figures]:
    """Validation figures of each, the simplest first."""
    state, validation = loop.state, loop.job.dataset.validation
    blended = Classifier.load(loop.run.path, BLEND).to(loop.job.device)
    state.measured[BLEND] = loop.step.objective.measure(
        blended.network, blended.preprocessing, validation.images, validation.labels
    )
    figures = state.measured[LAST]
    if tuned == BEST and state.best is not None:
        accuracy, minus_loss = state.best
        figures = Figures(-minus_loss, None if figures.accuracy is None else accuracy)
    return {HEAD: state.measured[HEAD], BLEND: state.measured[BLEND], tuned: figures}
