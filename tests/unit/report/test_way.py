"""One prediction, step by step, in a run that was really trained, and in its report."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import convscope as cs
from convscope.classifier.held_out.storage import Taught
from convscope.inspection.arithmetic.documents import PredictionPath
from convscope.inspection.arithmetic.steps import WeightedSum
from convscope.looking.subject import open_subject
from convscope.report.page.html import write_report
from convscope.runs.folder import HELD_OUT, Run
from convscope.wording import percent


@pytest.fixture(scope="module")
def run(digit_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(digit_runs / "quick", tmp_path_factory.mktemp("way") / "quick")


def test_the_way_that_a_run_keeps_is_its_own(run: Path) -> None:
    kept = json.loads((run / "step_by_step.json").read_text())
    path = PredictionPath.from_dict({name: kept[name] for name in ("output", "steps", "logits", "pixel")})
    subject = open_subject(run)
    row = subject.judging.ids.index(kept["image"])
    pixels = subject.judging.images[row]
    logits = cs.load(run).logits(pixels[None])[0].numpy()
    assert np.allclose(path.logits, logits, rtol=1e-4, atol=1e-4)
    assert path.output == int(subject.judging.labels[row]) == int(logits.argmax())
    first = path.steps[0]
    assert isinstance(first, WeightedSum)
    channel, down, across = path.pixel
    seen = subject.standardised(pixels[None])[0].numpy()[channel, down, across]
    (window,) = [each for each in first.windows if each.unit == channel]
    assert window.inputs[down - first.top, across - first.left] == pytest.approx(seen)
    for step in path.steps:
        assert step.computed == pytest.approx(step.value, rel=1e-4, abs=1e-5 * step.magnitude)


def test_the_report_shows_it_from_the_pixels_to_the_probabilities(run: Path) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    section = page[page.index('<section id="way">') :]
    section = section[: section.index("</section>")]
    layers = re.findall(r'<li class="step" data-layer="([^"]+)"', section)
    assert layers == [
        "conv1",
        "pool1",
        "relu1",
        "conv2",
        "pool2",
        "relu2",
        "fully_connected",
        "relu3",
        "logits",
    ]
    assert section.count('<svg xmlns="http://www.w3.org/2000/svg" class="numbers"') == 11
    logits = re.findall(r'<tr><th scope="row" class="name">(\d)</th><td class="n">([^<]+)</td>', section)
    assert len(logits) == 10
    values = [float(value.replace("−", "-")) for _, value in logits]
    assert values == sorted(values, reverse=True)
    assert '<a href="#way">' in page


def test_the_probabilities_are_those_that_the_classifier_says(run: Path, tmp_path: Path) -> None:
    copied = Run(Path(shutil.copytree(run, tmp_path / "tempered")))
    taught = Taught.read(copied.path / HELD_OUT)
    assert taught is not None
    copied.write_bytes(HELD_OUT, replace(taught, temperature=2.5).to_bytes())
    summary = copied.read("summary.json")
    copied.write("summary.json", summary | {"temperature": {**summary["temperature"], "value": 2.5}})
    subject = open_subject(copied.path)
    row = subject.judging.ids.index(copied.read("step_by_step.json")["image"])
    (said,) = cs.load(copied.path).predict_pixels([subject.judging.images[row]], ["it"])
    page = write_report(copied.path).read_text(encoding="utf-8")
    shares = re.findall(r'<tr><th scope="row" class="name">(\d)</th><td class="n">[^<]+</td>(.*)</tr>', page)
    assert dict(shares[:3]) == {
        name: f'<td class="n">{percent(share, 1)}</td>' for name, share in said.likeliest(3)
    }
    assert "÷ the temperature of 2.5" in page


def test_the_report_of_a_way_waits_for_no_torch(run: Path) -> None:
    code = (
        "import pathlib, sys; from convscope.report.page.html import write_report;"
        f"write_report(pathlib.Path({str(run)!r})); print('torch' in sys.modules)"
    )
    written = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert written.stdout.strip() == "False"


def test_a_run_without_a_way_has_a_report_without_the_section(run: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(run, tmp_path / "without")
    (copied / "step_by_step.json").unlink()
    assert 'id="way"' not in write_report(copied).read_text(encoding="utf-8")
