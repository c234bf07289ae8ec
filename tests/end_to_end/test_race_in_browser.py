"""The race in a real browser: it plays, stops, is scrubbed, stays still where asked to, keeps to itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from convscope.report.rows.animation import Animation
from convscope.trials.race.racing import RACERS, race


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("race")
    whole, short = Animation(race()), Animation(race(racers=RACERS[1:3], steps=30))
    both = folder / "both.html"
    both.write_text(f"<!doctype html><meta charset=utf-8>{whole.html}{short.html}", encoding="utf-8")
    empty = folder / "empty.html"
    empty.write_text("<!doctype html><meta charset=utf-8>", encoding="utf-8")
    return {"one": whole.save(folder / "race.html"), "both": both, "empty": empty}


@pytest.fixture
def visit(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Open a page whose clock stands still until it is told to run; what it complains of fails the test."""
    opened, complaints = [], []

    def open_page(name: str, **options: Any) -> Any:
        page = browser.new_page(**options)
        opened.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.clock.install(time=0)
        page.goto(pages[name].as_uri())
        page.clock.pause_at(1000)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert complaints == []


def said(page: Any, number: int = 0) -> str:
    return str(page.locator(".convscope-race output").nth(number).inner_text())


def drawn(page: Any, number: int = 0) -> int:
    """How many places of the first racer's path are drawn."""
    line = page.locator(".convscope-race").nth(number).locator(".racer polyline").first
    return len(line.get_attribute("points").split())


def test_it_shows_the_whole_race_until_it_plays_and_again_at_the_end(visit: Any) -> None:
    page = visit("one")
    assert (said(page), drawn(page)) == ("step 120", 121)
    page.get_by_role("button", name="Play").click()
    assert (said(page), drawn(page)) == ("step 0", 1)
    page.clock.run_for(3000)
    assert 50 <= drawn(page) <= 62
    page.clock.run_for(6000)
    assert (said(page), drawn(page)) == ("step 120", 121)
    assert page.get_by_role("button").inner_text() == "Play"


def test_it_stops_and_goes_on_where_it_was(visit: Any) -> None:
    page = visit("one")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(2000)
    page.get_by_role("button", name="Stop").click()
    stopped = drawn(page)
    page.clock.run_for(3000)
    assert drawn(page) == stopped
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(500)
    assert stopped < drawn(page) < 121


def test_the_keyboard_scrubs_and_the_costs_follow(visit: Any) -> None:
    page = visit("one")
    page.get_by_role("slider", name="step").focus()
    page.keyboard.press("Home")
    costs = page.locator("td.cost")
    assert (said(page), drawn(page)) == ("step 0", 1)
    assert set(costs.all_inner_texts()) == {"10.93"}
    page.keyboard.press("ArrowRight")
    assert (said(page), drawn(page)) == ("step 1", 2)
    assert costs.all_inner_texts() == ["8.29", "8.29", "9.70", "9.68"]  # momentum gathers only from here on
    page.keyboard.press("End")
    assert said(page) == "step 120"
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "step 120 of 120"


def test_scrubbing_stops_what_plays(visit: Any) -> None:
    page = visit("one")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1000)
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    page.clock.run_for(1000)
    assert said(page) == "step 120"
    assert page.get_by_role("button").inner_text() == "Play"


def test_nothing_moves_for_who_asked_for_reduced_motion(visit: Any) -> None:
    page = visit("one", reduced_motion="reduce")
    page.clock.run_for(3000)
    assert said(page) == "step 120"
    button = page.get_by_role("button", name="Step")
    button.click()
    page.clock.run_for(3000)
    assert said(page) == "step 0"
    button.click()
    page.clock.run_for(3000)
    assert said(page) == "step 5"


def test_it_stops_when_reduced_motion_is_asked_for_while_it_plays(visit: Any) -> None:
    page = visit("one")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1000)
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Step").wait_for()
    stopped = drawn(page)
    page.clock.run_for(2000)
    assert drawn(page) == stopped


def test_two_on_one_page_keep_apart(visit: Any) -> None:
    page = visit("both")
    first, second = page.get_by_role("button").all()
    second.click()
    page.clock.run_for(1000)
    assert (said(page, 0), drawn(page, 0)) == ("step 120", 121)
    assert 15 <= drawn(page, 1) <= 22
    first.click()
    page.clock.run_for(3000)
    assert 50 <= drawn(page, 0) <= 62
    assert said(page, 1) == "step 30"


def test_a_notebook_may_lay_it_in_later_and_twice(visit: Any, pages: dict[str, Path]) -> None:
    page = visit("empty")
    html = Animation(race(steps=10))._repr_html_()
    for _ in range(2):  # as notebooks do: markup first, then its scripts are run
        page.evaluate(
            "html => document.body.append(document.createRange().createContextualFragment(html))", html
        )
    assert page.get_by_role("button", name="Play").count() == 2
    page.get_by_role("button").nth(1).click()
    page.clock.run_for(200)
    assert said(page, 0) == "step 10"
    assert 1 < drawn(page, 1) < 11


def test_without_a_script_it_is_a_picture(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["one"].as_uri())
    assert drawn(page) == 121
    assert not page.get_by_role("button").is_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_asks_for_nothing_and_fits(browser: Any, pages: dict[str, Path], width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages["one"].as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [pages["one"].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.locator(".convscope-race").evaluate("each => getComputedStyle(each).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(23, 23, 21)")
    page.close()
