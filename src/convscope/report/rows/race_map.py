"""The race as a map: lines of equal cost, and the path of each racer; a drawing of text, small and sharp."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from convscope.report.palette import FACE, LIGHT
from convscope.trials.race.racing import Path, Race
from convscope.trials.race.rules import TITLES, Array
from convscope.trials.race.surface import Surface

WIDTH, HEIGHT = 680, 376
LEVELS = (0.05, 0.2, 0.5, 0.9, 1.4, 1.95, 3, 4.5, 7, 11, 17, 26, 40)
"""Costs at which lines are drawn: close on the valley's floor, where the race is decided."""

_LEFT, _RIGHT, _BOTTOM, _TOP = -2.3, 4.3, -1.45, 2.2
"""What is shown, in weights: the saddle, and the minimum that the start leads to."""

_FAR = 20.0  # weights
_TINT = 0.032
"""Opacity of each level's ground; they lie on one another, and are darkest around a minimum."""


@dataclass(frozen=True, kw_only=True)
class Livery:
    """How a racer is told apart: by colour on light and on dark paper, by its mark, and by its line."""

    light: str
    dark: str
    mark: str
    """A path around (0, 0), about 9 across."""
    dash: str = ""


LIVERIES = (
    Livery(light="#2467ad", dark="#79b0ea", mark="M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0Z"),
    Livery(light="#c46a12", dark="#f0a45f", mark="M-4,-4H4V4H-4Z"),
    Livery(light="#1f7d5c", dark="#5cc7a0", mark="M0,-5.4L5,4H-5Z"),
    Livery(light="#b8508f", dark="#e694c8", mark="M0,-5.6L5.6,0L0,5.6L-5.6,0Z", dash="5 3"),
)


def livery(place: int) -> Livery:
    """Of the racer in this place; with more than four they come round again."""
    return LIVERIES[place % len(LIVERIES)]


def titles(race: Race) -> list[str]:
    """The racers' names; with the rate where two have the same rule."""
    rules = [path.racer.rule for path in race.paths]
    return [
        str(path.racer) if rules.count(path.racer.rule) > 1 else TITLES[path.racer.rule]
        for path in race.paths
    ]


def race_map(race: Race) -> str:
    """The whole race as a standalone SVG document, with a legend."""
    height = HEIGHT + 18 + 22 * -(-len(race.paths) // 4)
    trails = "".join(trail(path, place) for place, path in enumerate(race.paths))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(described(race))}" font-family="{FACE}" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="{LIGHT["paper"]}"/>'
        f'<svg width="{WIDTH}" height="{HEIGHT}" overflow="hidden">{ground(race.surface)}{trails}'
        f"{signs(race)}</svg>{''.join(_legend(place, title) for place, title in enumerate(titles(race)))}"
        "</svg>\n"
    )


def _legend(place: int, title: str) -> str:
    colours = livery(place)
    left, top = 14 + 160 * (place % 4), HEIGHT + 22 + 22 * (place // 4)
    return (
        f'<g transform="translate({left},{top})"><path d="M0,0H26" fill="none" stroke="{colours.light}" '
        f'stroke-width="2" stroke-dasharray="{colours.dash}"/>'
        f'<path d="{colours.mark}" transform="translate(26,0)" fill="{colours.light}"/>'
        f'<text x="38" y="4" fill="{LIGHT["ink"]}">{escape(title)}</text></g>'
    )


def described(race: Race) -> str:
    """The picture in words."""
    said = ", ".join(
        f"{title} " + ("has not arrived" if path.arrived is None else f"arrives at step {path.arrived}")
        for title, path in zip(titles(race), race.paths, strict=True)
    )
    return f"Paths over a valley with a saddle, {race.steps} steps: {said}"


def ground(surface: Surface) -> str:
    """The lines of equal cost, and the ground between them darker the lower it lies."""
    drawn = []
    for level in sorted(LEVELS, reverse=True):
        lines = " ".join(f"M{points(line)}Z" for line in surface.contour(level))
        drawn.append(
            f'<path d="{lines}" fill="{LIGHT["ink"]}" fill-opacity="{_TINT}" '
            f'stroke="{LIGHT["ink"]}" stroke-opacity="0.3" stroke-width="0.7"/>'
        )
    return "".join(drawn)


def trail(path: Path, place: int) -> str:
    """A racer's way and its mark where it ends."""
    colours = livery(place)
    places = points(near(path))
    x, y = places.rpartition(" ")[2].split(",")
    return (
        f'<g class="racer"><polyline points="{places}" fill="none" stroke="{colours.light}" '
        f'stroke-width="2" stroke-linejoin="round" stroke-dasharray="{colours.dash}"/>'
        f'<path d="{colours.mark}" transform="translate({x},{y})" fill="{colours.light}" '
        f'stroke="{LIGHT["paper"]}" stroke-width="1.2"/></g>'
    )


def signs(race: Race) -> str:
    """Words at the start, the saddle and the minima that are in sight."""
    places = [
        ("start", np.array(race.start), "-0.6em", "end"),
        ("saddle", race.surface.saddle, "1.5em", "middle"),
    ]
    places += [("minimum", minimum, "3.4em", "start") for minimum in race.surface.minima]
    drawn = []
    for name, weights, below, anchor in places:
        x, y = on_map(weights[None])[0]
        if not 0 <= x <= WIDTH:
            continue
        shift = {"end": -8, "start": 10}.get(anchor, 0)
        drawn.append(
            f'<path d="M{x - 4:.1f},{y:.1f}h8M{x:.1f},{y - 4:.1f}v8" stroke="{LIGHT["ink"]}" '
            f'stroke-width="1.2"/><text x="{x + shift:.1f}" y="{y:.1f}" dy="{below}" text-anchor="{anchor}" '
            f'fill="{LIGHT["ink"]}" stroke="{LIGHT["paper"]}" stroke-width="3" stroke-opacity="0.75" '
            f'paint-order="stroke">{name}</text>'
        )
    return "".join(drawn)


def near(path: Path) -> Array:
    """A path's weights (steps + 1, 2), fit to be drawn: who is lost stays at the edge of what is far away."""
    weights = path.weights.copy()
    lost = np.flatnonzero(~np.isfinite(weights).all(axis=1))
    if len(lost):
        weights[lost[0] :] = weights[lost[0] - 1]
    return np.clip(weights, -_FAR, _FAR)


def points(weights: Array) -> str:
    """Weights (n, 2) as the points of a path: `x,y x,y …`, to a tenth of a pixel."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in on_map(weights).tolist())


def on_map(weights: Array) -> Array:
    """Weights (n, 2) to places (n, 2) in the drawing."""
    x = (weights[:, 0] - _LEFT) / (_RIGHT - _LEFT) * WIDTH
    y = (_TOP - weights[:, 1]) / (_TOP - _BOTTOM) * HEIGHT
    return np.stack([x, y], axis=-1)


def costs_said(costs: Sequence[float]) -> list[str]:
    """Costs as they are read while they change: with two decimals, small ones by their power of ten."""
    return [_cost(cost) for cost in costs]


def _cost(cost: float) -> str:
    if not np.isfinite(cost):
        return "∞"
    if cost >= 1000:
        return f"{cost:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{cost:.2f}" if cost >= 0.01 else f"{cost:.0e}".replace("e-0", "e−").replace("e-", "e−")
