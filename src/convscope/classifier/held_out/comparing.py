"""Answers to images that are unlike those of training are marked as unknown, with what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
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
    is_unknown = held_out.is_unknown(likeness).tolist()
    unknown = [image for image, each in zip(images, is_unknown, strict=True) if each]
    differences: Iterator[tuple[str, ...]] = iter(())
    if unknown and held_out.familiarity is not None:
        differences = iter(held_out.familiarity.appearance.differences(torch.stack(unknown)))
    return [
        replace(answer, likeness=share, unknown=each, differs=next(differences, ()) if each else ())
        for answer, share, each in zip(answers, likeness.tolist(), is_unknown, strict=True)
    ]
