"""The race as an animation: one piece of HTML that plays in a page and in a notebook by itself."""

import json
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from convscope.report.palette import DARK, LIGHT, themed
from convscope.report.rows.race_map import (
    HEIGHT,
    WIDTH,
    Livery,
    costs_said,
    described,
    ground,
    livery,
    near,
    points,
    signs,
    titles,
    trail,
)
from convscope.trials.race.judging import judge
from convscope.trials.race.racing import BestRate, Race
from convscope.trials.race.rules import TITLES
from convscope.wording import percent, rounded

_SHOWN = ("paper", "ink", "quiet", "rule", "grid", "train")


@dataclass(frozen=True, eq=False)
class Animation:
    """A race that plays itself: with a button, a slider, and the cost of each racer at the step shown.

    It shows the whole race until it is played, so that it can be read where no script runs. For a reader who
    asked for reduced motion nothing plays: the button goes on by a few steps at a time.
    """

    race: Race

    @property
    def html(self) -> str:
        """A `<figure>` with its style and its script; several can stand in one page."""
        return _environment().get_template("race.html.j2").render(_context(self.race))

    @property
    def page(self) -> str:
        """The same as an HTML document of its own, with what the source claims and each rule's best rate."""
        template = _environment().get_template("race_page.html.j2")
        page: str = template.render(
            figure=self.html,
            surface=self.race.surface,
            claims=judge(self.race) if _has_all(self.race) else (),
            best=[_best_words(each) for each in self.race.best],
            light=LIGHT,
            dark=DARK,
        )
        return page

    def save(self, path: Path) -> Path:
        """Write that page."""
        path.write_text(self.page, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        return self.html


def _context(race: Race) -> dict[str, object]:
    liveries = [livery(place) for place in range(len(race.paths))]
    racers = [
        {
            "title": title,
            "rate": f"{path.racer.rate:g}",
            "place": place,
            "mark": liveries[place].mark,
            "trail": _in_variables(trail(path, place), liveries[place], place),
            "cost": costs_said(path.costs[-1:].tolist())[0],
            "arrived": path.arrived,
            "overshoot": path.overshoot,
        }
        for place, (title, path) in enumerate(zip(titles(race), race.paths, strict=True))
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "steps": race.steps,
        "alt": described(race),
        "ground": themed(ground(race.surface)),
        "signs": themed(signs(race)),
        "racers": racers,
        "liveries": liveries,
        "light": {name: LIGHT[name] for name in _SHOWN},
        "dark": {name: DARK[name] for name in _SHOWN},
        "data": _data(race),
    }


def _has_all(race: Race) -> bool:
    """Whether those whom the source speaks of took part."""
    return {"sgd", "momentum", "adam"} <= {path.racer.rule for path in race.paths}


def _best_words(best: BestRate) -> tuple[str, str, str, str]:
    """The rule, its rate, the step at which it arrives, and the share of rates at which it does."""
    if best.rate is None:
        return TITLES[best.rule], "none", "never", percent(0.0)
    return TITLES[best.rule], rounded(best.rate, 2), f"step {best.arrived}", percent(best.share, 0)


def _in_variables(svg: str, colours: Livery, place: int) -> str:
    return themed(svg.replace(f'"{colours.light}"', f'"var(--racer-{place})"'))


def _data(race: Race) -> str:
    """For the script: of each racer its places on the map, and its costs as they are said."""
    rows = [{"points": points(near(path)), "costs": costs_said(path.costs.tolist())} for path in race.paths]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("convscope.report.rows", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
