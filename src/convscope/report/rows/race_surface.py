"""The race in three dimensions: the valley as a mesh, seen from above its open side, and the paths in it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from convscope.report.palette import LIGHT, rgb
from convscope.report.paper.lettering import width_of, word
from convscope.report.rows.race_map import LEVELS, livery, near, titles
from convscope.trials.race.racing import Race
from convscope.trials.race.rules import Array
from convscope.trials.race.surface import Surface

SIZE = (1120, 720)
"""Twice the size at which it is read."""

_FINER = 2
_ALONG, _ACROSS = 240, 100  # patches along the valley, and from wall to wall
_END = 4.15  # of the valley that is shown, in weights
_RIM_BEHIND, _RIM_BEFORE = 12.0, 6.3  # the costs at which the walls are cut, so that one looks in
_FLAT = 0.14  # of a weight, the height of one unit of cost
_TURN, _TILT = np.radians(-18), np.radians(50)
_DARKEST, _LIGHTEST = 150, 244  # greys, the lower the darker, as on the map
_LINE = 128


@dataclass(frozen=True)
class _View:
    """From (w₁, w₂, cost) to pixels, and how far away."""

    scale: float
    middle: tuple[float, float]

    def place(self, weights: Array, cost: Array) -> Array:
        """(..., 2) and (...) → (..., 3): x, y in pixels, and the depth, larger farther away."""
        across = weights[..., 1] - 0.3
        x = np.cos(_TURN) * weights[..., 0] - np.sin(_TURN) * across
        y = np.sin(_TURN) * weights[..., 0] + np.cos(_TURN) * across
        up = np.cos(_TILT) * _FLAT * cost + np.sin(_TILT) * y
        away = np.cos(_TILT) * y - np.sin(_TILT) * _FLAT * cost
        return np.stack([self.middle[0] + self.scale * x, self.middle[1] - self.scale * up, away], axis=-1)

    def spots(self, surface: Surface, weights: Array) -> list[tuple[float, float]]:
        """Weights (n, 2) as pixels, on the surface, and no higher than a little above its rim."""
        costs = np.minimum(surface.cost(weights), 1.1 * _RIM_BEHIND)
        return [(x, y) for x, y, _ in self.place(weights, costs).tolist()]


def race_surface(race: Race) -> Image.Image:
    """The surface, with the paths of the racers, their marks and their names.

    A path is drawn where it runs even behind a wall, lest it be lost.
    """
    wide, high = (_FINER * side for side in SIZE)
    canvas = Image.new("RGB", (wide, high), rgb(LIGHT["paper"]))
    pen = ImageDraw.Draw(canvas)
    view = _View(scale=wide / 9.7, middle=(wide * 0.49, high * 0.69))
    _draw_ground(pen, view, race.surface)
    _draw_contours(pen, view, race.surface)
    for place, path in enumerate(race.paths):
        spots = view.spots(race.surface, near(path))
        colours = livery(place)
        if not colours.dash:
            pen.line(spots, fill=rgb(LIGHT["paper"]), width=14, joint="curve")
        pen.line(spots, fill=rgb(colours.light), width=4 if colours.dash else 8, joint="curve")
        _draw_spot(pen, spots[-1], 9 if colours.dash else 16, rgb(colours.light))
    _draw_spot(pen, view.spots(race.surface, np.array([race.start]))[0], 11, rgb(LIGHT["ink"]))
    drawn = canvas.resize(SIZE, Image.Resampling.LANCZOS)
    _write_legend(drawn, race)
    return drawn


def _draw_ground(pen: ImageDraw.ImageDraw, view: _View, surface: Surface) -> None:
    """Patches between two places along the valley and two across it, the farthest first."""
    weights = _mesh(surface)
    costs = surface.cost(weights)
    spots = view.place(weights, costs)
    level = np.searchsorted(np.array(LEVELS), (costs[:-1, :-1] + costs[1:, 1:]) / 2)
    greys = np.linspace(_DARKEST, _LIGHTEST, len(LEVELS) + 1).round().astype(int)[level]
    depth = (spots[:-1, :-1, 2] + spots[1:, 1:, 2]) / 2
    for index in np.argsort(-depth, axis=None).tolist():
        row, column = divmod(index, depth.shape[1])
        corners = [
            tuple(spots[at][:2].tolist())
            for at in ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
        ]
        grey = int(greys[row, column])
        pen.polygon(corners, fill=(grey,) * 3, outline=(grey,) * 3)


def _draw_contours(pen: ImageDraw.ImageDraw, view: _View, surface: Surface) -> None:
    """The map's lines of equal cost, as far as the ground reaches."""
    for level in LEVELS:
        for line in surface.contour(level):
            before = line[:, 1] < surface.bend * line[:, 0] ** 2
            shown = (np.abs(line[:, 0]) <= _END) & (level <= np.where(before, _RIM_BEFORE, _RIM_BEHIND))
            pieces = np.split(np.arange(len(line)), np.flatnonzero(np.diff(shown)) + 1)
            for piece in pieces:
                if shown[piece[0]] and len(piece) > 1:
                    pen.line(view.spots(surface, line[piece]), fill=(_LINE,) * 3, width=2)


def _mesh(surface: Surface) -> Array:
    """Weights (along, across, 2): each row from rim to rim of the valley."""
    along = np.linspace(-_END, _END, _ALONG + 1)
    floor = surface.bend * along**2
    base = surface.cost(np.stack([along, floor], axis=-1))
    behind, before = (
        np.sqrt(np.clip(2 * (rim - base) / surface.stiffness, 0, None)) for rim in (_RIM_BEHIND, _RIM_BEFORE)
    )
    share = np.linspace(-1, 1, _ACROSS + 1)
    reach = np.where(share > 0, behind[:, None], before[:, None])
    across = floor[:, None] + reach * share
    return np.stack([np.broadcast_to(along[:, None], across.shape), across], axis=-1)


def _draw_spot(
    pen: ImageDraw.ImageDraw, middle: tuple[float, float], radius: int, colour: tuple[int, int, int]
) -> None:
    x, y = middle
    pen.ellipse((x - radius - 4, y - radius - 4, x + radius + 4, y + radius + 4), fill=rgb(LIGHT["paper"]))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _write_legend(canvas: Image.Image, race: Race) -> None:
    pen = ImageDraw.Draw(canvas)
    left, top = 24, SIZE[1] - 54
    for place, title in enumerate(titles(race)):
        colour = livery(place).light
        pen.line((left, top + 15, left + 40, top + 15), fill=rgb(colour), width=5)
        text = word(title, 24, LIGHT["ink"])
        canvas.paste(text, (left + 52, top), text)
        left += 92 + width_of(title, 24)
