"""The pages of a run and of differences, read without a script, as a search or an old browser reads them."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from convscope.report.page.html import render_report
from convscope.report.page.material import read_material
from convscope.runs.folder import Run


def test_a_runs_page_has_what_its_report_has(workbench: str, digit_runs: Path) -> None:
    page = httpx.get(f"{workbench}/runs/quick", timeout=60).text
    report = render_report(read_material(digit_runs / "quick"))
    sections = re.findall(r'<section id="(\w+)"', report)
    assert len(sections) > 5
    assert re.findall(r'<section id="(\w+)"', page) == sections
    for tab in ("network", "try", "errors", "learn"):
        assert f'href="/runs/quick/{tab}"' in page
    assert "<script>" not in page


def test_two_runs_are_compared_with_a_verdict_and_their_images(workbench: str) -> None:
    page = httpx.get(f"{workbench}/compare", params={"runs": ["plain", "quick"]}, timeout=60).text
    assert "quick is better than plain by" in page
    assert page.count('class="own"') == 3
    assert re.search(r"Only plain wrong</bdi>: \d+</a>", page)
    assert page.count('class="thumb compared"') > 10


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "Tick two runs or more."),
        (["quick"], "Tick two runs or more."),
        (["quick", "quick"], "Tick two runs or more."),
        (["quick", "several"], "is a single run and several is a group of seeds"),
    ],
)
def test_what_cannot_be_compared_says_why_and_offers_the_runs(
    workbench: str, asked: list[str], said: str
) -> None:
    page = httpx.get(f"{workbench}/compare", params={"runs": asked}, timeout=60)
    assert page.status_code == 200
    assert said in page.text
    assert 'value="several~seed-1"' in page.text


def test_a_run_that_there_is_not_is_not_found(workbench: str) -> None:
    for address in ("/runs/none", "/compare?runs=quick&runs=..%2Fquick"):
        assert httpx.get(workbench + address, timeout=60).status_code == 404


def test_an_unfinished_run_says_how_to_go_on(
    serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    shutil.copytree(digit_runs / "plain", tmp_path / "begun")
    (tmp_path / "begun" / "summary.json").unlink()
    assert Run(tmp_path / "begun").summary() is None
    page = httpx.get(f"{serve(tmp_path)}/runs/begun", timeout=60).text
    assert "convscope train --resume" in page
    (tmp_path / "begun" / "summary.json").write_text("{")
    page = httpx.get(f"{serve(tmp_path)}/runs/begun", timeout=60)
    assert page.status_code == 200
    assert "summary.json is damaged" in page.text
