"""The report in a real browser: it asks for nothing, complains of nothing, fits, and its links lead on."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.accessibility import grave_faults

from convscope.comparison.several import compare_all
from convscope.report.comparing.page import write_page
from convscope.report.page.html import write_report
from convscope.report.pictures.points import point_sheet

UNIT = Path(__file__).parents[1] / "unit"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    make = SimpleNamespace(**runpy.run_path(str(UNIT / "report/conftest.py")))
    digits = make.train_digits()
    long_names = [f"Rhododendron ferrugineum, {word} form" for word in "abcdefghij"]
    hundred = [f"genus-{k // 10} species-{k}" for k in range(100)]
    runs = {
        "digits": make.write_run(folder / "digits-linear-1", digits),
        "long": make.write_run(folder / "long", make.in_colour(digits), long_names),
        "hundred": make.write_run(folder / "hundred", make.pairs_of_digits(digits), hundred),
        "two": make.write_run(folder / "two", make.two_classes(digits), ["even", "odd"]),
    }
    add_plane(runs["digits"])
    runs["stranger"] = make.write_run(folder / "stranger", make.two_classes(digits), ["even", "odd"])
    add_picture_with_script(runs["stranger"])
    make.write_start(folder / "interrupted", digits, [str(k) for k in range(10)])
    runs["interrupted"] = folder / "interrupted"
    pages = {name: write_report(run) for name, run in runs.items()}
    return pages | {"compared": compared(folder / "compared")}


def compared(folder: Path) -> Path:
    """The page of a comparison: two runs, each with errors of its own."""
    make = SimpleNamespace(**runpy.run_path(str(UNIT / "report/test_comparison_page.py"))).make
    runs = [make(folder / "one", {0, 1}, 2.0), make(folder / "other", {1, 2, 3}, 4.0)]
    return write_page(folder / "compared.html", compare_all(runs))


def add_plane(run: Path) -> None:
    """What `convscope look` leaves of a plane: the drawing, the images of its points, and the index."""
    random, labels = np.random.default_rng(0), np.arange(40) % 4
    said = [f"image {place}" for place in range(40)]
    names = ["a", "b", "c", "d"]
    points = random.normal(size=(40, 2))
    sheet = point_sheet(points, labels, labels, names, said=said, heading="PCA", notes=["distances are true"])
    (run / "look").mkdir()
    (run / "look/plane-pca.svg").write_text(sheet.svg("points"))
    Image.new("RGB", (7 * 8, 6 * 8), "grey").save(run / "look/plane-images.webp")
    sprite = {"file": "plane-images.webp", "columns": 7, "size": [8, 8]}
    entry = {"file": "plane-pca.svg", "title": "The plane", "question": "Apart?", "alt": "points"}
    (run / "look/index.json").write_text(json.dumps([entry | {"sprite": sprite}]))


def add_picture_with_script(run: Path) -> None:
    """A picture as somebody might put it into a run that others open."""
    harmful = "<svg xmlns='http://www.w3.org/2000/svg'><script>document.title = 'taken'</script></svg>"
    (run / "look").mkdir()
    (run / "look/harmful.svg").write_text(harmful)
    (run / "look/index.json").write_text(json.dumps([{"file": "harmful.svg", "title": "From a stranger"}]))


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


WIDTHS = [390, 768, 1280]
NAMES = ["digits", "long", "hundred", "two", "interrupted", "compared"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
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


# What axe-core does not look at: the size of letters, and the contrast of those in a drawing (WCAG 2, 1.4.3).
FAULTS = """() => {
  const faults = [];
  const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const parts = (colour) =>
    colour.match(/[\\d.]+/g).map((each, place) => (place < 3 ? each / 255 : Number(each)));
  const light = (rgb) => 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const rgb = parts(getComputedStyle(each).backgroundColor);
      if (rgb[3] === undefined || rgb[3] > 0.99) return rgb;
    }
    return [1, 1, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const said = walker.currentNode.data.trim().slice(0, 30);
    if (!said || !element.checkVisibility() || element.closest("script, title, .unseen")) continue;
    const style = getComputedStyle(element);
    const drawing = element.closest("svg");
    const size = parseFloat(style.fontSize) * (drawing ? drawing.getScreenCTM().a : 1);
    if (size < 10.99) faults.push(`size ${size.toFixed(1)}: ${said}`);
    if (!drawing) continue;
    const [a, b] = [light(parts(style.fill)), light(ground(drawing.parentElement))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${said}`);
  }
  return [...new Set(faults)];
}"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_and_reach_it(
    browser: Any, reports: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    """By axe-core, and with letters of 11 pixels and more."""
    visit = Visit(browser, reports[name], width, scheme)
    visit.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert visit.page.evaluate(FAULTS) == []
    assert grave_faults(visit.page) == []
    visit.page.close()


def test_a_picture_that_is_wider_than_the_page_scrolls_and_says_so(
    browser: Any, reports: dict[str, Path]
) -> None:
    for width, is_wide in ((390, True), (1280, False)):
        page = Visit(browser, reports["digits"], width).page
        plane = page.locator("[data-sprite]")
        is_marked = "document.querySelector('[data-sprite]').classList.contains('wide')"
        page.wait_for_function(f"{is_marked} === {json.dumps(is_wide)}")
        assert page.locator("[data-sprite] + .hint").is_visible() == is_wide
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert plane.evaluate("(each) => each.querySelector('svg').clientWidth") == 580
        page.close()


def test_a_point_of_the_plane_leads_to_its_image_by_mouse_and_by_keyboard(
    browser: Any, reports: dict[str, Path]
) -> None:
    visit = Visit(browser, reports["digits"], 1280)
    plane, box = visit.page.locator("[data-sprite]"), visit.page.locator(".point")
    visit.page.locator("[data-place='7']").scroll_into_view_if_needed()
    at = visit.page.locator("[data-place='7']").bounding_box()
    visit.page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    assert "image 7" in box.inner_text()
    assert "background" in box.locator("i").get_attribute("style")
    visit.page.mouse.move(1, 1)
    assert box.count() == 0
    plane.focus()
    visit.page.keyboard.press("ArrowRight")
    first = box.inner_text()
    visit.page.keyboard.press("ArrowRight")
    assert box.inner_text() != first
    visit.page.keyboard.press("Escape")
    assert box.count() == 0
    assert visit.complaints == []
    visit.page.close()


def test_without_its_script_the_page_still_leads_from_a_cell_to_its_images(
    browser: Any, reports: dict[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(reports["digits"].as_uri())
    link = page.locator(".matrix .wrong a").first
    cell = page.locator(link.get_attribute("href"))
    assert not cell.is_visible()
    link.click()
    assert cell.is_visible()
    context.close()


def test_a_script_in_a_picture_does_not_run(browser: Any, reports: dict[str, Path]) -> None:
    visit = Visit(browser, reports["stranger"], 1280)
    assert "document.title = 'taken'" in visit.page.content()
    assert visit.page.title() != "taken"
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
