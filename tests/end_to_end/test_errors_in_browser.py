"""The page of errors in a real browser: labels marked by mouse and keyboard, a head fitted again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.runs.folder import Run
from convscope.runs.marks import MARKED, marks_of

WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of two kinds, a third of one of them under the name of the other, and a head fitted on them."""
    place = tmp_path_factory.mktemp("errors")
    random = np.random.default_rng(0)
    for kind, name in enumerate(("蚂蚁", "נמלה")):
        (place / "photos" / name).mkdir(parents=True)
        for number in range(30):
            shown = 1 - kind if kind and number % 3 == 0 else kind
            pixels = random.integers(0, 90, (32, 32, 3), dtype=np.uint8)
            bar = np.s_[10:20] if shown else np.s_[:, 10:20]
            pixels[bar] += 150
            Image.fromarray(pixels).save(place / "photos" / name / f"{number:02d}.png")
    cs.train(
        place / "photos", runs=place / "runs", name="p", network="pretrained", frozen=True, size=64, folds=3
    )
    return place / "runs"


@pytest.fixture
def open_page(browser: Any, serve: Callable[[Path], str], runs: Path) -> Iterator[Callable[..., Any]]:
    """Width and query → the page; in the end nothing was complained of, and nobody else was asked."""
    address, complaints, contexts = serve(runs), [], []

    def opened(width: int, query: str = "", dark: bool = False) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: complaints.append(asked.url) if not asked.url.startswith(address) else None,
        )
        page.goto(f"{address}/runs/p/errors{query}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    (runs / "p" / MARKED).unlink(missing_ok=True)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("query", ["", "?true=1&predicted=0", "?view=labels", "?view=marked"])
def test_it_can_be_read_by_everyone(open_page: Callable[..., Any], width: int, query: str) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs axe-core-python")
    page = open_page(width, query, dark=bool(query))
    found = axe.Axe().run(page)["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    images = page.locator(".images .tile img")
    for number in range(images.count()):
        images.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("each => each.complete", arg=images.nth(number).element_handle())
        assert images.nth(number).evaluate("each => each.naturalWidth") == 64


def test_labels_are_marked_by_mouse_and_keyboard_and_outlive_the_page(
    open_page: Callable[..., Any], runs: Path
) -> None:
    page = open_page(1280, "?view=labels")
    tiles = page.locator(".images .tile")
    assert tiles.count() >= 3
    tiles.nth(0).get_by_role("button", name="Mark").click()
    page.locator(".again .marks li").wait_for()
    tiles.nth(1).locator("figure a").first.focus()
    page.keyboard.press("x")
    page.locator(".again .marks li").nth(1).wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("y")
    page.locator(".again .marks li").nth(2).wait_for()
    contents = [tiles.nth(number).get_attribute("data-content") for number in range(3)]
    marks = marks_of(Run(runs / "p"))
    assert [each.content for each in marks] == contents
    assert [each.new is None for each in marks] == [False, True, False]
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelectorAll('.again .marks li').length === 2")
    page.reload()
    assert page.locator(".again .marks li").count() == 2
    assert page.locator(".tile.marked").count() == 2
    page.locator(".again .marks button").first.click()
    page.wait_for_function("() => document.querySelectorAll('.again .marks li').length === 1")
    assert [each.content for each in marks_of(Run(runs / "p"))] == contents[:1]


def test_the_head_is_fitted_again_and_what_flipped_appears(open_page: Callable[..., Any], runs: Path) -> None:
    page = open_page(1280, "?view=labels")
    tiles = page.locator(".images .tile")
    for number in range(min(8, tiles.count())):
        tiles.nth(number).get_by_role("button", name="Mark").click()
        page.locator(".again .marks li").nth(number).wait_for()
    page.get_by_role("button", name="Fit the head again").click()
    page.locator(".standing progress").wait_for()
    page.get_by_role("heading", name="What came of it").wait_for(timeout=240_000)
    made = page.locator(".refitted a").first.inner_text()
    assert made.startswith("p-corrected-")
    said = Run(runs / made).read("refit.json")["said"]
    assert said in page.locator(".refitted").inner_text()
    page.locator(".refitted a").first.click()
    page.wait_for_load_state()
    assert page.url.endswith(f"/runs/{made}")
