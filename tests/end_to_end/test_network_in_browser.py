"""The page Network in a real browser: a click on a pixel shows the arithmetic that numpy finds as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convscope as cs
from convscope.looking.subject import open_subject

ADDRESSES = [
    "",
    "/conv1?image=3",
    "/relu2?image=3",
    "/fully_connected?image=3",
    "/conv2/5?image=3&row=4&column=6",
    "/logits/3?image=3",
]


class Visit:
    """A page, and all that it complained of or asked of others."""

    def __init__(self, browser: Any, address: str, width: int, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        host = "/".join(address.split("/")[:3])
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda asked: self._judge(asked.url, host))
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")

    def _judge(self, url: str, host: str) -> None:
        if not url.startswith((host, "data:", "blob:")):
            self.strangers.append(url)


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    opened: list[Visit] = []

    def go(address: str, width: int = 1280, scheme: str = "light") -> Visit:
        opened.append(Visit(browser, address, width, scheme))
        return opened[-1]

    yield go
    for each in opened:
        each.page.close()


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
@pytest.mark.parametrize("address", ADDRESSES)
def test_each_state_fits_complains_of_nothing_and_is_accessible(
    visit: Any, workbench: str, address: str, width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs axe-core-python")
    seen = visit(f"{workbench}/runs/quick/network{address}", width, scheme)
    assert seen.complaints == []
    assert seen.strangers == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = axe.Axe().run(seen.page)["violations"]
    serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
    assert serious == [], [node["html"][:200] for each in found for node in each["nodes"]]


def test_a_click_on_a_pixel_shows_the_sum_that_numpy_finds(
    visit: Any, workbench: str, digit_runs: Path
) -> None:
    page = visit(f"{workbench}/runs/quick/network/conv1/4?image=2").page
    picture = page.locator("#map input")
    box = picture.bounding_box()
    row, column = 9, 15
    with page.expect_response(lambda answer: "part=pixel" in answer.url):
        picture.click(
            position={"x": (column + 0.5) * box["width"] / 28, "y": (row + 0.5) * box["height"] / 28}
        )
    page.locator(f'#pixel .value[data-row="{row}"][data-column="{column}"]').wait_for()
    assert f"image=2&row={row}&column={column}" in page.url

    subject = open_subject(digit_runs / "quick")
    network = cs.load(digit_runs / "quick").network
    image = subject.standardised(subject.pick(2).pixels[None])[0].numpy().astype(np.float64)
    patch = np.pad(image, ((0, 0), (2, 2), (2, 2)))[:, row : row + 5, column : column + 5]
    weights = network.get_parameter("conv1.weight")[4].detach().numpy()
    bias = float(network.get_parameter("conv1.bias").detach()[4])
    expected = float((patch * weights).sum()) + bias
    step = page.locator('#pixel .step[data-layer="conv1"]')
    assert number(step.get_attribute("data-value") or "") == pytest.approx(expected, rel=1e-4, abs=1e-4)
    told = step.locator("figure").nth(2).locator("rect title").all_text_contents()
    products = [number(each.rpartition("= ")[2]) for each in told]
    assert products == pytest.approx((patch * weights).ravel().tolist(), rel=1e-3, abs=1e-4)
    relu = page.locator('#pixel .step[data-layer="relu1"]')
    assert number(relu.get_attribute("data-value") or "") >= max(0.0, expected) - 1e-4


def test_arrow_keys_move_the_value_and_the_address_leads_back_to_it(visit: Any, workbench: str) -> None:
    page = visit(f"{workbench}/runs/quick/network/conv1/4?image=2&row=9&column=0").page
    picture = page.locator("#map input")
    picture.focus()
    for key, row, column in (("ArrowDown", 10, 0), ("ArrowRight", 10, 1), ("ArrowUp", 9, 1)):
        picture.press(key)
        page.locator(f'#pixel .value[data-row="{row}"][data-column="{column}"]').wait_for()
    picture.press("ArrowLeft")
    picture.press("ArrowLeft")  # at the border it stays
    page.locator('#pixel .value[data-row="9"][data-column="0"]').wait_for()
    said = page.locator("#pixel h2").inner_text()
    again = visit(page.url).page
    assert again.locator("#pixel h2").inner_text() == said
    frame = again.locator("#seen rect")
    assert (frame.get_attribute("x"), frame.get_attribute("y")) == ("0", "7")


def test_a_newcomer_reaches_a_pixel_in_four_clicks(visit: Any, workbench: str) -> None:
    page = visit(f"{workbench}/runs/quick/network").page
    page.locator('.diagram a[aria-label^="conv1"]').click()
    page.locator(".tiles a").first.click()
    page.locator("#map input").click()
    page.locator("#pixel .value[data-row]").wait_for()
    page.locator("#patches .patches li").first.wait_for()
    assert page.locator("#patches .patches li").count() == 9


def test_without_scripts_a_click_leads_to_the_same_address(browser: Any, workbench: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(f"{workbench}/runs/quick/network/pool1/4?image=2")
    picture = page.locator("#map input")
    box = picture.bounding_box()
    picture.click(position={"x": 3.5 * box["width"] / 14, "y": 6.5 * box["height"] / 14})
    assert page.url.endswith("?image=2&row=6&column=3")
    page.get_by_role("link", name="Search the training images").click()
    assert page.locator("#patches .patches li").count() == 9
    context.close()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("?image=100000", 422),
        ("?image=-1", 422),
        ("/conv9", 422),
        ("/conv1/16", 422),
        ("/conv1/-1", 422),
        ("/conv1/x", 422),
        ("/conv1/0?row=28&column=0", 422),
        ("/image", 422),
        ("/../../etc", 404),
        ("/conv1/0?at.x=99999&at.y=0", 303),
    ],
)
def test_what_is_not_there_is_said(workbench: str, address: str, status: int) -> None:
    import httpx

    answer = httpx.get(f"{workbench}/runs/quick/network{address}")
    assert answer.status_code == status
    assert httpx.get(f"{workbench}/runs/nothing/network").status_code == 404
