"""Which of a fit's candidates the classifier is: the least loss on images that none was fitted on.

The test images have no say in it. Loss, not accuracy: on a few dozen images accuracies of good candidates are
equal or differ by an image, while the loss says how sure each was of every one.
"""

import math
from collections.abc import Mapping

from torch import Tensor

from convscope.classifier.classifier import Classifier
from convscope.classifier.logits import compute_logits
from convscope.runs.checkpoint_names import BEST, BLEND, EARLIER, HEAD, LAST, read_names
from convscope.training.fine_tuning.blending import has_fitted_head, save_blended
from convscope.training.fine_tuning.features import head_outputs
from convscope.training.loop import Loop
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
    outputs = _outputs(loop, tuned)
    state.measured[BLEND] = loop.step.objective.judge(outputs[BLEND], validation.labels)
    losses = {name: _loss(loop, each) for name, each in outputs.items()}
    where = some(len(validation), "validation image")
    return best_of(losses), evidence(losses, where, is_number=not loop.job.classifier.class_names)


def best_of(losses: Mapping[str, float]) -> str:
    """The candidate of the least loss; of equals the first, and so the simplest."""
    return min(losses, key=lambda name: losses[name] if math.isfinite(losses[name]) else math.inf)


def evidence(losses: Mapping[str, float], where: str, *, is_number: bool) -> str:
    """`calibrated log loss 0.21 on 62 validation images, where head has 0.25 and last 0.24`."""
    best = best_of(losses)
    figure = "mean squared error" if is_number else "calibrated log loss"
    others = [f"{name} has {rounded(loss)}" for name, loss in losses.items() if name != best]
    return f"{figure} {rounded(losses[best])} on {where}, where {listed(others)}"


def _outputs(loop: Loop, tuned: str) -> dict[str, Tensor]:
    """What each candidate says of the validation images, `(N, num_outputs)`; the simplest first."""
    images, outputs = loop.job.dataset.validation.images, {}
    earlier = [EARLIER] if EARLIER in read_names(loop.run.checkpoint_folder) else []
    for name in (HEAD, *earlier, BLEND, tuned):
        classifier = Classifier.load(loop.run.path, name).to(loop.job.device)
        answer = head_outputs if name == HEAD else compute_logits
        outputs[name] = answer(classifier.network, classifier.preprocessing, images)
    return outputs


def _loss(loop: Loop, outputs: Tensor) -> float:
    """By which a candidate is chosen: as `mean_losses` of folds."""
    labels = loop.job.dataset.validation.labels
    if not loop.job.classifier.class_names:
        return loop.step.objective.judge(outputs, labels).loss
    from convscope.evaluation.temperature import tempered_loss  # which no first step waits for

    return tempered_loss(outputs.numpy(), labels.cpu().numpy())
