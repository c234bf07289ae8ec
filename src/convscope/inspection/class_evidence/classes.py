"""Which class a map is about: the predicted one, or any other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from convscope.errors import UsageError


def chosen_classes(logits: Tensor, classes: int | Sequence[int] | None) -> Tensor:
    """Return a class for each row of logits (N, num_classes): int64 (N,).

    None means the predicted class; one number means that class for every image.
    """
    if classes is None:
        return logits.argmax(1)
    count, num_classes = logits.shape
    numbers = [classes] * count if isinstance(classes, int) else list(classes)
    if len(numbers) != count:
        raise UsageError(f"{count} images need {count} classes, or one for all; there are {len(numbers)}")
    wrong = [number for number in numbers if not 0 <= number < num_classes]
    if wrong:
        raise UsageError(f"class {wrong[0]} does not exist: the network knows classes 0 to {num_classes - 1}")
    return torch.tensor(numbers, dtype=torch.int64, device=logits.device)
