"""A histogram of a stream of values whose range nobody knows beforehand."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BINS_A_SIDE = 128
_PART = 2**22  # few enough that single-precision counts are exact


@dataclass(frozen=True, kw_only=True)
class ValueHistogram:
    """How values are spread.

    edges: (B + 1,), with 0 on an edge if values lie on both sides. counts: (B,). The figures are over
    finite values; `non_finite` counts the others. zero_share: the share of exact zeros behind a rectifier,
    None elsewhere. nonlinearity: what the values go into, such as `relu`; empty if nothing.
    """

    name: str
    nonlinearity: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    mean: float
    std: float
    minimum: float
    maximum: float
    count: int
    non_finite: int
    zero_share: float | None


class RunningHistogram:
    """Counts values in one pass and fixed memory.

    The bins reach from −limit to limit, a power of two; when a value lies outside, neighbouring bins merge
    and the limit doubles, so all counts stay exact.
    """

    def __init__(self, name: str, nonlinearity: str = "") -> None:
        self.name = name
        self.nonlinearity = nonlinearity
        self._limit = 0.0  # until the first value that is not zero
        self._counts = torch.zeros(2 * _BINS_A_SIDE, dtype=torch.int64)
        self._count = self._non_finite = self._zeros = self._outputs = 0
        self._mean = self._square_sum = 0.0
        self._minimum, self._maximum = math.inf, -math.inf

    def add(self, values: Tensor) -> None:
        """Count all values of a tensor."""
        for part in torch.split(values.detach().flatten(), _PART):
            low, high = (float(bound) for bound in part.aminmax())
            if not math.isfinite(low) or not math.isfinite(high):  # a NaN among the values shows in both
                finite = torch.isfinite(part)
                self._non_finite += int((~finite).sum())
                part = part[finite]
                if part.numel() == 0:
                    continue
                low, high = (float(bound) for bound in part.aminmax())
            self._add_finite(part, low, high)

    def add_outputs(self, outputs: Tensor) -> None:
        """Count the exact zeros of what the non-linearity made of the values."""
        self._outputs += outputs.numel()
        self._zeros += outputs.numel() - int(torch.count_nonzero(outputs))

    def result(self) -> ValueHistogram:
        """Return what was counted, in the bins from the first to the last that holds something."""
        occupied = self._counts.nonzero()[:, 0].tolist() or [_BINS_A_SIDE]
        first, last = occupied[0], occupied[-1] + 1
        edges = torch.linspace(-self._limit, self._limit, 2 * _BINS_A_SIDE + 1, dtype=torch.float64)
        return ValueHistogram(
            name=self.name,
            nonlinearity=self.nonlinearity,
            edges=edges[first : last + 1].numpy(),
            counts=self._counts[first:last].numpy(),
            mean=self._mean if self._count else math.nan,
            std=math.sqrt(self._square_sum / self._count) if self._count else math.nan,
            minimum=self._minimum if self._count else math.nan,
            maximum=self._maximum if self._count else math.nan,
            count=self._count,
            non_finite=self._non_finite,
            zero_share=self._zeros / self._outputs if self._outputs else None,
        )

    def _add_finite(self, numbers: Tensor, low: float, high: float) -> None:
        self._minimum, self._maximum = min(self._minimum, low), max(self._maximum, high)
        self._widen(max(abs(low), abs(high)))
        if self._limit:
            bins = torch.histc(numbers, 2 * _BINS_A_SIDE, -self._limit, self._limit)
            self._counts += bins.to(torch.int64).cpu()
        else:
            self._counts[_BINS_A_SIDE] += numbers.numel()
        # Squares of single-precision numbers overflow beyond 1e19.
        self._merge_moments(numbers.double() if self._limit > 1e15 else numbers)

    def _widen(self, reach: float) -> None:
        if reach > 0 and self._limit == 0:
            self._limit = 2.0 ** math.ceil(math.log2(reach))
        while reach > self._limit:
            pairs = self._counts.reshape(-1, 2).sum(1)
            self._counts = torch.nn.functional.pad(pairs, (_BINS_A_SIDE // 2, _BINS_A_SIDE // 2))
            self._limit *= 2

    def _merge_moments(self, numbers: Tensor) -> None:
        """Merge mean and squared deviations with those of a part: Chan, Golub & LeVeque 1979."""
        count = numbers.numel()
        mean = float(numbers.mean())
        centred = numbers - mean
        deviations = float(torch.dot(centred, centred))
        total = self._count + count
        difference = mean - self._mean
        self._square_sum += deviations + difference**2 * self._count * count / total
        self._mean += difference * count / total
        self._count = total
