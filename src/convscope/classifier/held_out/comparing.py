"""Answers to images that are unlike those of training are marked as unknown, with what differs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.prediction import Prediction


def compare_with_training(
    answers: Sequence[Prediction],
    images: Sequence[Tensor],
    held_out: HeldOut | None,
    likeness: NDArray[Any] | None,
) -> list[Prediction]:
    """The same answers, each with how like those of training its image is.

    Args:
        answers: of each image.
        images: uint8 `(C, H, W)` each.
        held_out: by what it is told which are unknown.
        likeness: float64 `(N,)`; None where it was not measured, and answers stay as they are.
    """
    if held_out is None or likeness is None:
        return list(answers)
    looks = None if held_out.familiarity is None else held_out.familiarity.appearance
    marked = []
    for answer, image, share, is_unknown in zip(
        answers, images, likeness.tolist(), held_out.is_unknown(likeness).tolist(), strict=True
    ):
        differs = looks.differences(image) if is_unknown and looks is not None else ()
        marked.append(replace(answer, likeness=share, unknown=is_unknown, differs=differs))
    return marked
