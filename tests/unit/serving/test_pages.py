"""The pages of a run and of differences, read without a script, as a search or an old browser reads them."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import Request
from PIL import Image

import convscope as cs
from convscope.classifier.held_out.storage import Taught
from convscope.report.page.html import render_report
from convscope.report.page.material import read_material
from convscope.runs.folder import DESCRIPTION, HELD_OUT, Run
from convscope.serving.refusals import refuse


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


def test_a_run_on_data_whose_path_is_no_text_has_its_page(
    serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    run = Run(Path(shutil.copytree(digit_runs / "plain", tmp_path / "odd")))
    config = run.read("config.json")
    source = os.fsdecode(b"/data/caf\xe9")
    run.write("config.json", config | {"data": config["data"] | {"source": source}})
    address = serve(tmp_path)
    for page in ("/runs/odd", "/runs/odd/learn", "/runs/odd/errors"):
        found = httpx.get(address + page, timeout=120)
        assert found.status_code == 200, page
        assert "caf\\" in found.text, page
    asked = Request({"type": "http", "path": "/api/v1/runs/odd/try", "headers": []})
    refused = refuse(asked, 409, f"{source} is gone")
    assert json.loads(refused.body) == {"error": "/data/caf\\xe9 is gone"}


def test_the_tour_is_in_the_runs_own_numbers(workbench: str, digit_runs: Path) -> None:
    page = httpx.get(f"{workbench}/runs/quick/learn", timeout=120).text
    steps = re.findall(r'<section class="step" id="(\w+)"', page)
    expected = "image convolution padding stride pooling depth linear beginning learning luck"
    assert steps == expected.split()
    assert "(28 + 2 × 2 − 5) ÷ 1 + 1 = <b>28</b>" in page
    assert "is right on" in page  # of the linear runs on the same digits
    summary = Run(digit_runs / "quick").read("summary.json")
    assert f"{100 * summary['test']['accuracy']['value']:.1f} %" in page


def test_the_tour_says_what_else_the_classifier_does_before_it_answers(
    serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    run = Run(Path(shutil.copytree(digit_runs / "quick", tmp_path / "quick")))
    taught = Taught.read(run.path / HELD_OUT)
    assert taught is not None
    run.write_bytes(HELD_OUT, replace(taught, temperature=2.5).to_bytes())
    described = run.read(DESCRIPTION)
    run.write(DESCRIPTION, described | {"preprocessing": described["preprocessing"] | {"mirrored": True}})
    page = httpx.get(f"{serve(tmp_path)}/runs/quick/learn", timeout=120).text
    assert "÷ the temperature of 2.5" in page
    assert "asks for the mirror image as well" in page


def test_the_tour_of_a_linear_network_leaves_out_what_it_has_not(workbench: str) -> None:
    page = httpx.get(f"{workbench}/runs/plain/learn", timeout=120).text
    steps = re.findall(r'<section class="step" id="(\w+)"', page)
    assert steps == ["image", "linear", "beginning", "learning", "luck"]
    assert "--network two-conv" in page


def test_the_tour_says_what_normalisation_does_to_a_beginning_and_no_more(
    workbench: str, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    plain = httpx.get(f"{workbench}/runs/quick/learn", timeout=120).text
    assert "the values explode from" in plain
    assert "sure of nonsense" in plain
    assert "one size" not in plain
    for name in "ab":
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            noise = np.random.default_rng([number, ord(name)]).integers(0, 256, (12, 12), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / "data" / name / f"{number}.png")
    settings = {"network": "small-resnet", "steps": 1, "batch_size": 8, "threads": 1}
    cs.train(tmp_path / "data", runs=tmp_path / "runs", name="normalised", **settings)
    page = httpx.get(f"{serve(tmp_path / 'runs')}/runs/normalised/learn", timeout=120).text
    assert "brings them back to one size, by their mean and deviation in the batch" in page
    assert "explode" not in page
    assert "left to learn from" not in page


def test_a_run_whose_images_are_gone_still_has_what_needs_none(
    serve: Callable[[Path], str], digit_runs: Path, tmp_path: Path
) -> None:
    shutil.copytree(digit_runs / "quick", tmp_path / "moved")
    run = Run(tmp_path / "moved")
    config = run.read("config.json")
    run.write("config.json", config | {"data": config["data"] | {"source": str(tmp_path / "gone")}})
    page = httpx.get(f"{serve(tmp_path)}/runs/moved/learn", timeout=120)
    assert page.status_code == 200
    assert "gone" in page.text
    steps = re.findall(r'<section class="step" id="(\w+)"', page.text)
    assert steps == ["depth", "linear", "learning", "luck"]
