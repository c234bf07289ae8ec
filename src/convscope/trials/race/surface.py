"""The cost surface of the race: a curved valley of two weights, with a saddle between its two minima."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_POINTS = 61  # of half a contour line; a drawing of 600 pixels shows no corner


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The cost of the weights (w₁, w₂):

        cost = height · ((w₁ / reach)² − 1)²  +  ½ · stiffness · (w₂ − bend · w₁²)²

    The first term is how high the valley's floor lies, the second how far up its wall one stands. The floor
    follows the parabola w₂ = bend · w₁². At (0, 0) it has a saddle of cost `height`, and falls from there
    both ways to a minimum of cost 0 at (±reach, bend · reach²).
    """

    reach: float = 3.0
    height: float = 2.0
    stiffness: float = 8.0
    bend: float = 0.1

    @property
    def saddle(self) -> Array:
        """(2,): where the slope is zero, and the floor falls to both sides."""
        return np.zeros(2)

    @property
    def minima(self) -> Array:
        """(2, 2): the two points of cost 0, left and right."""
        across = self.bend * self.reach**2
        return np.array([[-self.reach, across], [self.reach, across]])

    def cost(self, weights: Array) -> Array:
        """(..., 2) → (...)."""
        return self._floor(weights[..., 0]) + 0.5 * self.stiffness * self._aside(weights) ** 2

    def gradient(self, weights: Array) -> Array:
        """(..., 2) → (..., 2), the slope along each weight."""
        along = weights[..., 0]
        wall = self.stiffness * self._aside(weights)
        floor = 4 * self.height * ((along / self.reach) ** 2 - 1) * along / self.reach**2
        return np.stack([floor - 2 * self.bend * along * wall, wall], axis=-1)

    def distance(self, weights: Array) -> Array:
        """(..., 2) → (...): to the nearer minimum, in weights."""
        away = weights[..., None, :] - self.minima
        return np.asarray(np.hypot(away[..., 0], away[..., 1]).min(axis=-1))

    def beyond(self, weights: Array) -> Array:
        """(..., 2) → (...): how far along the valley past a minimum; negative before it."""
        return np.abs(weights[..., 0]) - self.reach

    def contour(self, cost: float) -> list[Array]:
        """The closed lines (n, 2) on which the cost has this value.

        Two around the minima where it is below the saddle's, one around both above; none for no cost at all.
        """
        if cost <= 0:
            return []
        spread = np.sqrt(cost / self.height)
        outer = self.reach * np.sqrt(1 + spread)
        if spread < 1:
            inner = self.reach * np.sqrt(1 - spread)
            return [self._line(cost, -outer, -inner), self._line(cost, inner, outer)]
        return [self._line(cost, -outer, outer)]

    def _line(self, cost: float, first: float, last: float) -> Array:
        """Along the upper wall from left to right, and back along the lower one."""
        turn = np.cos(np.linspace(np.pi, 0, _POINTS))  # dense where the line turns
        along = (first + last) / 2 + (last - first) / 2 * turn
        aside = np.sqrt(np.clip(2 * (cost - self._floor(along)) / self.stiffness, 0, None))
        floor = self.bend * along**2
        upper, lower = np.stack([along, floor + aside], -1), np.stack([along, floor - aside], -1)
        return np.concatenate([upper, lower[-2::-1]])

    def _floor(self, along: Array) -> Array:
        return np.asarray(self.height * ((along / self.reach) ** 2 - 1) ** 2)

    def _aside(self, weights: Array) -> Array:
        return np.asarray(weights[..., 1] - self.bend * weights[..., 0] ** 2)
