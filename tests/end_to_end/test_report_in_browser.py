"""The report in a real browser: it asks for nothing, complains of nothing, fits, and its links lead on."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from convscope.report.page.html import write_report


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    make = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "unit/report/conftest.py")))
    digits = make.train_digits()
    long_names = [f"Rhododendron ferrugineum, {word} form" for word in "abcdefghij"]
    hundred = [f"genus-{k // 10} species-{k}" for k in range(100)]
    runs = {
        "digits": make.write_run(folder / "digits-linear-1", digits),
        "long": make.write_run(folder / "long", make.in_colour(digits), long_names),
        "hundred": make.write_run(folder / "hundred", make.pairs_of_digits(digits), hundred),
        "two": make.write_run(folder / "two", make.two_classes(digits), ["even", "odd"]),
    }
    make.write_start(folder / "interrupted", digits, [str(k) for k in range(10)])
    runs["interrupted"] = folder / "interrupted"
    return {name: write_report(run) for name, run in runs.items()}


class Visit:
    """A page, and all it asked for and complained of."""

    def __init__(self, browser: Any, report: Path, width: int, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(report.as_uri())


NAMES = ["digits", "long", "hundred", "two", "interrupted"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_asks_for_nothing_complains_of_nothing_and_fits(
    browser: Any, reports: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    visit = Visit(browser, reports[name], width, scheme)
    asked = [url for url in visit.requests if not url.startswith("data:")]
    assert asked == [reports[name].as_uri()]
    assert visit.complaints == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    paper = visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(23, 23, 21)")
    visit.page.close()


@pytest.mark.parametrize("name", ["digits", "hundred"])
def test_clicking_a_cell_of_the_matrix_leads_to_its_images(
    browser: Any, reports: dict[str, Path], name: str
) -> None:
    page = Visit(browser, reports[name], 1280).page
    matrix = page.locator(".matrix, .matrix-large")
    cell = matrix.locator(".wrong a" if name == "digits" else "a:has(.wrong)").first
    anchor = cell.get_attribute("href")
    cell.click()
    images = page.locator(anchor)
    assert page.url.endswith(anchor)
    assert images.locator("img").count() > 0
    box = images.bounding_box()
    assert 0 <= box["y"] < 900
    page.close()


def test_the_pointer_and_the_arrow_keys_read_the_curves(browser: Any, reports: dict[str, Path]) -> None:
    visit = Visit(browser, reports["digits"], 1280)
    plot = visit.page.locator("[data-hover] .plot").nth(1)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 100)
    said = visit.page.locator(".hover-box").inner_text()
    assert said.startswith("step 280")
    assert "validation 90.8 %" in said
    visit.page.mouse.move(0, 0)
    assert visit.page.locator(".hover-box").count() == 0
    plot.focus()
    visit.page.keyboard.press("ArrowLeft")
    assert visit.page.locator(".hover-box").inner_text().startswith("step 27")
    assert visit.complaints == []
    visit.page.close()
