import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from convscope.errors import UsageError
from convscope.report.charts.signals import signal_chart
from convscope.report.palette import ANY_PAGE, LIGHT
from convscope.report.pictures.notebook import Picture, inlined
from convscope.report.pictures.sheets import filter_sheet

WEIGHTS = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32)
PICTURES = {
    "pixels": Picture(WEIGHTS, filter_sheet(WEIGHTS), "four filters of <conv1>"),
    "chart": Picture(np.array([1.0, 2.0]), signal_chart(["a", "b"], [1.0, 2.0]), "two layers"),
}


@pytest.fixture(params=PICTURES)
def picture(request: pytest.FixtureRequest) -> Picture:
    return PICTURES[request.param]


def test_a_picture_is_saved_by_the_ending_of_its_name(picture: Picture, tmp_path: Path) -> None:
    with Image.open(picture.save(tmp_path / "x.png")) as saved:
        assert saved.format == "PNG"
        assert min(saved.size) > 100
    root = ElementTree.parse(picture.save(str(tmp_path / "x.svg"))).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_another_ending_is_refused(picture: Picture, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not as \.gif"):
        picture.save(tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_shows_itself_in_a_notebook(picture: Picture) -> None:
    assert picture._repr_png_().startswith(b"\x89PNG")
    html = picture._repr_html_()
    assert "<svg " in html
    assert '"#ffffff"' not in html  # no white paper on a dark page
    assert "<conv1>" not in html


def test_a_picture_keeps_its_numbers() -> None:
    assert PICTURES["pixels"].array is WEIGHTS


def test_every_colour_has_one_for_a_page_of_any_colour() -> None:
    assert set(LIGHT) == set(ANY_PAGE)


def test_two_drawings_on_one_page_share_no_name() -> None:
    clipped = '<svg width="{}"><clipPath id="clip0"/><g clip-path="url(#clip0)"/></svg>'
    first, second = (inlined(clipped.format(width)) for width in (1, 2))
    [named], [other] = (re.findall(r' id="([^"]+)"', html) for html in (first, second))
    assert named != other
    assert f"url(#{named})" in first
