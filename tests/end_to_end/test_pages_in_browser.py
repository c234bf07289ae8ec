"""The workbench's pages in a real browser: as a visitor finds them, with keyboard, pointer and phone."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.accessibility import grave_faults

from convscope.evaluation.predictions import read_predictions
from convscope.runs.folder import Run

PAGES = {
    "runs": "/",
    "run": "/runs/quick",
    "learn": "/runs/quick/learn",
    "learn without convolutions": "/runs/plain/learn",
    "compare": "/compare?runs=plain&runs=quick",
    "nothing to compare": "/compare",
    "recipes": "/runs/several~seed-0",
    "not found": "/runs/none",
}


class Visit:
    """A page, and all that it complained of or asked of others."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        host = "/".join(address.split("/")[:3])
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda asked: self._judge(asked.url, host))
        self.page.goto(address, wait_until="load", timeout=120_000)

    def _judge(self, url: str, host: str) -> None:
        if not url.startswith((host, "data:", "blob:")):
            self.strangers.append(url)

    def faults(self) -> list[str]:
        """What axe-core finds grave."""
        return grave_faults(self.page)


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens an address: width, light or dark, with or without scripts."""
    contexts = []

    def go(address: str, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Visit:
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                java_script_enabled=scripts,
                accept_downloads=True,
            )
        )
        return Visit(contexts[-1], address)

    yield go
    for each in contexts:
        each.close()


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), (390, "light"), (1280, "dark"), (1280, "light")]
)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_complains_of_nothing_and_everybody_can_read_it(
    visit: Callable[..., Visit], workbench: str, name: str, width: int, scheme: str
) -> None:
    seen = visit(workbench + PAGES[name], width, scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    expected = ["404"] if name == "not found" else []
    assert [re.findall(r"\b\d{3}\b", each)[0] for each in seen.complaints] == expected, seen.complaints
    assert seen.strangers == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.faults() == []
    paper = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(23, 23, 21)")


def names(page: Any) -> list[str]:
    found: list[str] = page.locator("table.runs tbody:visible tr:visible .name").all_inner_texts()
    return [name.strip() for name in found]


def test_runs_are_found_sorted_and_opened_by_keyboard(visit: Callable[..., Visit], workbench: str) -> None:
    page = visit(workbench).page
    page.keyboard.press("/")
    page.keyboard.type("two-conv")
    assert names(page) == ["quick"]
    assert page.url.endswith("?q=two-conv")
    page.keyboard.press("Control+A")
    page.keyboard.type("no such run")
    assert names(page) == []
    assert page.locator(".nothing").is_visible()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.locator("[data-sort=accuracy]").press("Enter")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("accuracy")
    assert names(page)[0] == "quick"
    page.locator("[data-sort=accuracy]").press("Enter")
    assert names(page)[-1] == "quick"
    fold = page.locator(".fold")
    assert fold.get_attribute("aria-expanded") == "false"
    fold.press("Enter")
    assert {"seed-0", "seed-1"} < set(names(page))


def test_two_runs_are_ticked_and_compared(visit: Callable[..., Visit], workbench: str) -> None:
    page = visit(workbench).page
    button = page.locator("#compare button")
    assert button.is_disabled()
    for name in ("plain", "quick"):
        page.locator(f"input[value={name}]").check()
    button.click()
    page.wait_for_url("**/compare?*", timeout=120_000)
    assert "better than" in page.locator(".verdict").inner_text(timeout=120_000)
    assert page.locator(".own:visible").count() == 1
    last = page.locator(".choose a").nth(1)
    last.click()
    shown = page.locator(".own:visible")
    assert shown.count() == 1
    assert shown.get_attribute("id") == last.get_attribute("href").removeprefix("#")
    assert last.get_attribute("aria-current") == "true"


def test_the_tour_goes_on_and_back_by_keys_and_each_step_has_an_address(
    visit: Callable[..., Visit], workbench: str
) -> None:
    page = visit(f"{workbench}/runs/quick/learn").page
    title = page.locator(".step:visible h2")
    assert "numbers" in title.inner_text()
    page.keyboard.press("ArrowRight")
    assert "convolution" in title.inner_text()
    assert page.url.endswith("#convolution")
    assert "Step 2 of" in page.locator("#said").inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "numbers" in title.inner_text()
    again = visit(f"{workbench}/runs/quick/learn#pooling").page
    assert "Pooling" in again.locator(".step:visible h2").inner_text()


def test_the_sum_on_the_page_is_the_sum_of_its_products(visit: Callable[..., Visit], workbench: str) -> None:
    page = visit(f"{workbench}/runs/quick/learn#convolution").page

    def numbers(table: int) -> Any:
        cells = page.locator("#convolution .numbers").nth(table).locator("td").all_inner_texts()
        return np.array([float(cell.replace("−", "-")) for cell in cells])

    inputs, weights, products = numbers(0), numbers(1), numbers(2)
    assert len(products) == 25
    np.testing.assert_allclose(inputs * weights, products, atol=0.05)
    said = float(page.locator("#convolution b").inner_text().replace("−", "-"))
    bias = re.search(r"bias of (−?[\d.e−]+)", page.locator("#convolution").inner_text())
    assert bias is not None
    assert said == pytest.approx(products.sum() + float(bias[1].replace("−", "-")), abs=0.15)


def test_without_scripts_the_pages_read(visit: Callable[..., Visit], workbench: str) -> None:
    page = visit(workbench, scripts=False).page
    assert {"quick", "plain", "several", "seed-0", "seed-1"} == {name.split()[-1] for name in names(page)}
    page.locator("[name=q]").fill("two-conv")
    page.locator(".filter .go").click()
    assert names(page) == ["quick"]
    page = visit(f"{workbench}/runs/quick/learn", scripts=False).page
    assert page.locator(".step:visible").count() == 10
    page = visit(f"{workbench}/compare?runs=plain&runs=quick", scripts=False).page
    assert page.locator(".own:visible").count() == 3


def test_a_training_that_another_process_starts_appears_moves_and_ends(
    visit: Callable[..., Visit], serve: Callable[[Path], str], tmp_path: Path
) -> None:
    address = serve(tmp_path / "runs")
    seen = visit(address)
    page = seen.page
    assert page.locator("#none").is_visible()
    command = "from convscope.cli.main import main; main()"
    flags = "train digits --network linear --steps 3000 --record-every 20 --threads 1 --name live --runs"
    training = subprocess.Popen(
        [sys.executable, "-c", command, *flags.split(), str(tmp_path / "runs")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        row = page.locator("tbody[data-id=live]")
        row.wait_for(timeout=180_000)
        assert not page.locator("#none").is_visible()
        row.locator(".notes").filter(has_text=re.compile("step [1-9]")).wait_for(timeout=180_000)
        own = visit(f"{address}/runs/live")
        own.page.locator("#live svg path.validation, section#confusion").first.wait_for(
            state="attached", timeout=180_000
        )
        page.locator("tbody[data-id=live][data-state=done]").wait_for(timeout=300_000)
        assert "%" in row.locator(".figure").inner_text()
        # Its own page turned into the report by itself.
        own.page.locator("section#confusion").wait_for(timeout=120_000)
        assert seen.complaints == own.complaints == []
    finally:
        training.kill()
        training.wait()


def test_a_training_drawn_live_is_drawn_from_its_records(
    visit: Callable[..., Visit], serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    """A lock held here stands for the process that trains; records come while the page is open."""
    from convscope.runs.lock import exclusively
    from convscope.runs.records import append_record

    run = Run(Path(shutil.copytree(digit_runs / "plain", tmp_path / "runs" / "now")))
    (run.path / "summary.json").unlink()
    run.metrics_path.unlink()
    with exclusively(run.path):
        seen = visit(f"{serve(tmp_path / 'runs')}/runs/now")
        assert seen.page.locator("#live").is_visible()
        for step in range(0, 60, 10):
            for split in ("batch", "validation"):
                record = {"step": step, "epoch": step / 20, "split": split, "loss": 3 / (1 + step)}
                append_record(run.metrics_path, record | {"accuracy": 0.1 + step / 100, "images": 750})
        said = seen.page.locator("#live .step")
        said.filter(has_text="step 50").wait_for(timeout=60_000)
        assert "validation 60.0 %" in said.inner_text()
        assert seen.page.locator("#live svg").count() == 2
        line = seen.page.locator("#live svg path.validation").first.get_attribute("d")
        assert line.count("L") == 5
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert seen.faults() == []
    assert seen.complaints == []


def test_a_saved_page_opens_offline_as_it_was_seen(
    visit: Callable[..., Visit], workbench: str, browser: Any, tmp_path: Path
) -> None:
    page = visit(f"{workbench}/compare?runs=plain&runs=quick#only-1", scheme="dark").page
    words = page.locator("main").inner_text()
    with page.expect_download() as download:
        page.locator("#save").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "plain-and-quick-convscope.html"
    context = browser.new_context(color_scheme="dark", offline=True)
    again = Visit(context, saved.as_uri())
    assert again.complaints == []
    assert again.page.locator("main").inner_text() == words
    broken = "[...document.images].filter((each) => !each.hidden && !each.naturalWidth).length"
    assert again.page.evaluate(broken) == 0
    assert (
        again.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(23, 23, 21)"
    )
    assert "<script" not in saved.read_text()
    context.close()


def test_a_saved_answer_opens_offline_with_what_was_drawn(
    visit: Callable[..., Visit], workbench: str, browser: Any, tmp_path: Path
) -> None:
    page = visit(f"{workbench}/runs/quick/try").page
    paper = page.locator("#paper").bounding_box()
    page.mouse.move(paper["x"] + 140, paper["y"] + 40)
    page.mouse.down()
    page.mouse.move(paper["x"] + 140, paper["y"] + 240, steps=8)
    page.mouse.up()
    page.locator("#more .nearest li").first.wait_for(timeout=120_000)
    page.wait_for_function("document.querySelector('#try').dataset.waiting === '0'")
    with page.expect_download(timeout=60_000) as download:
        page.locator("#save").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    context = browser.new_context(offline=True)
    again = Visit(context, saved.as_uri())
    assert again.complaints == []
    assert again.page.locator(".said").inner_text() == page.locator(".said").inner_text()
    drawn = again.page.locator(".paper img")
    assert drawn.get_attribute("src") == page.evaluate("document.querySelector('#paper').toDataURL()")
    shown = "[...document.querySelectorAll('#seen img, #more img')].map((each) => each.src)"
    assert again.page.evaluate(shown) == page.evaluate(shown)
    context.close()


def test_names_in_any_script_are_shown_as_they_are(
    visit: Callable[..., Visit], serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    classes = ["größer", "数字", "مكتوب", "<b>x", "é", "five", "six", "seven", "eight", "nine"]
    for name in ("Größe", "数字", "مكتوب", "a&b<i>"):
        run = Run(Path(shutil.copytree(digit_runs / "plain", tmp_path / name)))
        run.write("dataset.json", run.read("dataset.json") | {"class_names": classes})
    address = serve(tmp_path)
    page = visit(address).page
    assert set(names(page)) == {"Größe", "数字", "مكتوب", "a&b<i>"}
    page.get_by_role("link", name="a&b<i>").click()
    page.wait_for_url("**/runs/*")
    assert page.locator("h1").inner_text() == "a&b<i>"
    page.goto(f"{address}/runs/مكتوب")
    assert page.locator("h1").inner_text() == "مكتوب"


def test_a_thousand_runs_are_sorted_and_found_in_a_moment(
    visit: Callable[..., Visit], serve: Callable[[Path], str], tmp_path: Path
) -> None:
    for number in range(1000):
        run = Run(tmp_path / f"run-{number}")
        run.path.mkdir()
        data = "digits" if number % 2 else "photos"
        run.write("config.json", {"data": {"source": data}, "network": {"name": "linear"}})
        share = 0.5 + (number * 37 % 1000) / 2500
        figures = {"accuracy": {"value": share, "n": 750, "interval": [share - 0.01, share + 0.01]}}
        run.write("summary.json", {"network": "linear", "steps": 9, "test": figures})
    page = visit(serve(tmp_path)).page
    assert page.locator("tbody:visible").count() == 100
    page.locator("[data-sort=accuracy]").click()
    shown = [float(each.split()[0]) for each in page.locator("tbody:visible .figure").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    page.locator("[name=q]").fill("photos 99")
    assert page.locator(".count").inner_text() == "5 of 1,000"
    page.locator("[name=q]").fill("")
    page.locator(".more").click()
    assert page.locator("tbody:visible").count() == 1000


class Newcomer:
    """Somebody who has never seen the workbench: begins on the first page, and counts the clicks."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: Any) -> None:
        what.first.click(timeout=120_000)
        self.clicks += 1


def test_a_newcomer_finds_the_digit_confused_most_and_sees_one(
    visit: Callable[..., Visit], workbench: str, digit_runs: Path
) -> None:
    newcomer = Newcomer(visit(workbench).page)
    page = newcomer.page
    newcomer.click(page.get_by_role("link", name="quick", exact=True))
    first = page.locator(".confused a").first
    first.wait_for(timeout=120_000)
    pair = re.match(r"(\d) taken for (\d): (\d+) of \d+ images", first.inner_text())
    assert pair is not None
    counts = read_predictions(Run(digit_runs / "quick"), "test").confusion.counts.copy()
    np.fill_diagonal(counts, 0)
    assert int(pair[3]) == counts.max() == counts[int(pair[1]), int(pair[2])]
    newcomer.click(page.locator(".confused a"))
    shown = page.locator(f"#cell-{pair[1]}-{pair[2]}:visible img")
    assert shown.count() >= 1
    assert shown.first.evaluate("(image) => image.naturalWidth") == 28
    assert newcomer.clicks <= 4


def test_a_newcomer_asks_why_it_took_an_image_for_that_class(
    visit: Callable[..., Visit], workbench: str
) -> None:
    seen = visit(workbench)
    newcomer, page = Newcomer(seen.page), seen.page
    newcomer.click(page.get_by_role("link", name="quick", exact=True))
    newcomer.click(page.get_by_role("link", name="Errors", exact=True))
    tile = page.locator(".tile").first
    tile.wait_for(timeout=120_000)
    answer = page.locator(".tile figcaption bdi").nth(2).inner_text()
    newcomer.click(tile.get_by_role("link", name="Why?"))
    page.locator("#more .evidence").wait_for(timeout=180_000)
    assert page.locator("#try").get_attribute("data-class") == answer
    assert page.locator("#more .nearest img").count() >= 1
    assert page.locator("#pixels").evaluate("(image) => image.naturalWidth") == 28
    assert newcomer.clicks <= 4
    assert seen.complaints == []


def test_a_newcomer_learns_whether_the_other_run_is_better(
    visit: Callable[..., Visit], workbench: str
) -> None:
    newcomer = Newcomer(visit(workbench).page)
    page = newcomer.page
    for name in ("plain", "quick"):
        newcomer.click(page.get_by_role("checkbox", name=f"Compare {name}"))
    newcomer.click(page.locator("#compare button"))
    page.locator(".verdict").wait_for(timeout=120_000)
    assert "quick is better than plain by" in page.locator(".verdict").inner_text()
    assert newcomer.clicks <= 4
