from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from convscope.report.rows.animation import Animation
from convscope.report.rows.race_map import costs_said, livery, points, race_map
from convscope.report.rows.race_surface import SIZE, race_surface
from convscope.trials.race.racing import RACERS, Race, Racer, race

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def raced() -> Race:
    return race()


def test_the_map_is_an_svg_that_names_what_it_shows(raced: Race) -> None:
    root = ElementTree.fromstring(race_map(raced))
    words = {each.text for each in root.iter(f"{SVG}text")}
    assert {"start", "saddle", "minimum", "gradient descent", "momentum", "Adam", "AdamW"} <= words
    assert "gradient descent has not arrived" in root.attrib["aria-label"]
    lines = list(root.iter(f"{SVG}polyline"))
    assert [len(line.attrib["points"].split()) for line in lines] == [121] * 4
    assert len(race_map(raced)) < 60_000


def test_a_path_begins_at_the_start_and_ends_at_its_mark(raced: Race) -> None:
    root = ElementTree.fromstring(race_map(raced))
    for racer, path in zip(root.iter(f"{SVG}g"), raced.paths, strict=False):
        if racer.attrib.get("class") != "racer":
            continue
        line, mark = racer
        assert line.attrib["points"].split()[0] == points(np.array([raced.start]))
        assert mark.attrib["transform"] == f"translate({points(path.weights[-1:])})"


@pytest.mark.parametrize(
    "racers",
    [
        (Racer(rule="sgd", rate=50.0),),
        tuple(Racer(rule="adam", rate=rate) for rate in (0.01, 0.03, 0.1, 0.3, 1.0)),
        RACERS[:1],
    ],
    ids=["diverges", "five of one rule", "alone"],
)
def test_any_racers_can_be_drawn(racers: tuple[Racer, ...]) -> None:
    run = race(racers=racers, steps=40)
    words = race_map(run)
    ElementTree.fromstring(words)
    assert "nan" not in words
    assert "inf" not in words.replace("infinite", "")
    html = Animation(run).html
    assert html.count('class="racer"') == len(racers)
    assert "NaN" not in html
    assert race_surface(run).size == SIZE


def test_racers_of_one_rule_are_told_apart_by_their_rate() -> None:
    run = race(racers=(Racer(rule="sgd", rate=0.02), Racer(rule="sgd", rate=0.1)), steps=5)
    assert "gradient descent at rate 0.02" in race_map(run)
    assert "gradient descent at rate 0.1" in race_map(run)
    assert livery(0) != livery(1)


def test_the_surface_shows_every_racer_and_stays_small(raced: Race) -> None:
    picture = race_surface(raced)
    assert picture.size == SIZE
    colours = {colour for _, colour in picture.getcolors(1 << 20)}
    for place in range(4):
        assert tuple(int(livery(place).light[at : at + 2], 16) for at in (1, 3, 5)) in colours


def test_the_animation_needs_nothing_and_has_no_name_to_collide(raced: Race, tmp_path: Path) -> None:
    html = Animation(raced)._repr_html_()
    assert " id=" not in html
    assert "http" not in html
    assert len(html) < 80_000
    page = Animation(raced).save(tmp_path / "race.html").read_text(encoding="utf-8")
    assert html in page
    assert page.startswith("<!doctype html>")


def test_the_same_race_is_drawn_to_the_same_bytes(raced: Race) -> None:
    again = race()
    assert race_map(raced) == race_map(again)
    assert Animation(raced).html == Animation(again).html


def test_costs_stay_short() -> None:
    assert costs_said([10.93, 0.4, 0.00003, 12345.0, float("inf")]) == ["10.93", "0.40", "3e−5", "1e4", "∞"]
