import base64
import dataclasses
import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from convscope.errors import RunError
from convscope.networks.following.summarising import summarise
from convscope.networks.two_conv import TwoConv
from convscope.networks.vgg import VGG
from convscope.report.page.html import write_report
from convscope.report.page.network import network_section, stages
from convscope.runs.folder import Run


class Page(HTMLParser):
    """What a report links to, names, and shows."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.sources: list[str] = []
        self.alts: list[str | None] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.ids.add(given.get("id") or "")
        if tag == "a":
            self.links.add(given["href"] or "")
        if tag == "img":
            self.sources.append(given["src"] or "")
            self.alts.append(given.get("alt"))

    def handle_endtag(self, tag: str) -> None:
        self.text += " " if tag in ("td", "th") else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def sections(page: Page) -> set[str]:
    return {name for name in page.ids if name and not name.startswith("cell-")}


def test_report_of_a_finished_run_has_every_section_and_only_its_own_links(digits_run: Path) -> None:
    page = Page(write_report(digits_run))
    assert {"choices", "learning", "confusion", "errors", "classes", "calibration", "data"} <= sections(page)
    assert "look" not in page.ids
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert all(source.startswith("data:") for source in page.sources)
    assert all(page.alts)


def test_contents_lead_to_every_section_and_what_was_found_comes_first(digits_run: Path) -> None:
    text = write_report(digits_run).read_text(encoding="utf-8")
    contents = text[text.index("<nav") : text.index("</nav>")]
    anchors = re.findall(r'href="#([\w-]+)"', contents)
    headed = re.findall(r'<section id="([\w-]+)"', text)
    assert anchors == headed
    assert (
        headed.index("confusion") < headed.index("learning") < headed.index("choices") < headed.index("again")
    )
    if "findings" in headed:
        assert headed[0] == "findings"


def test_each_error_stands_once_and_behind_its_cell(digits_run: Path) -> None:
    page = Page(write_report(digits_run))
    errors = [alt for alt in page.alts if alt and " taken for " in alt]
    assert max(errors.count(alt) for alt in errors) <= 2
    assert "The first" not in page.text


def test_classes_are_judged_by_recall_and_precision_each_explained_once(digits_run: Path) -> None:
    text = Page(write_report(digits_run)).text
    assert text.count("of the images of a class, the share recognised") == 1
    assert text.count("of the images taken for it, the share that are of it") == 1
    assert "Believed rightly" not in text


def test_nothing_but_the_pages_own_script_may_run(digits_run: Path) -> None:
    text = write_report(digits_run).read_text(encoding="utf-8")
    script = text[text.index("<script>") + len("<script>") : text.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = text[text.index("Content-Security-Policy") :].partition(">")[0]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_the_network_is_drawn_in_the_shapes_of_its_layers(tmp_path: Path) -> None:
    summary = summarise(TwoConv(1, (28, 28), 10), (1, 28, 28))
    found = stages(summary)
    assert sum(each.layers for each in found) == len([each for each in summary.layers if each.output_shape])
    assert sum(each.parameters for each in found) == summary.total.parameters
    assert all(one.shape != other.shape for one, other in itertools.pairwise(found))
    run = Run(tmp_path / "run")
    run.path.mkdir()
    assert network_section(run) is None
    run.write("network.json", dataclasses.asdict(summary))
    section = network_section(run)
    assert section is not None
    assert (section.layers, section.parameters) == (summary.layers, summary.total.parameters)
    assert "conv1 16×28×28" in section.alt
    assert ">fully_</text>" in section.svg
    assert ">connected</text>" in section.svg
    deep = summarise(VGG(16, 3, (64, 64), 1000), (3, 64, 64))
    shown = stages(deep)
    assert len(shown) <= 8
    assert shown[-1].shape == (1000,)
    assert sum(each.parameters for each in shown) == deep.total.parameters


def test_a_report_of_a_run_that_kept_its_layers_waits_for_no_torch(digits_run: Path, tmp_path: Path) -> None:
    run = Run(shutil.copytree(digits_run, tmp_path / "run"))
    run.write("network.json", dataclasses.asdict(summarise(TwoConv(1, (28, 28), 10), (1, 28, 28))))
    code = (
        "import pathlib, sys; from convscope.report.page.html import write_report;"
        f"write_report(pathlib.Path({str(run.path)!r})); print({{'torch', 'sklearn'}} & set(sys.modules))"
    )
    written = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert written.stdout.strip() == "set()"


def test_every_cell_of_the_matrix_with_an_error_leads_to_its_images(digits_run: Path) -> None:
    page = Page(write_report(digits_run))
    arrays = np.load(digits_run / "predictions/test.npz")
    pairs = zip(arrays["labels"].tolist(), arrays["logits"].argmax(1).tolist(), strict=True)
    for true, predicted in set(pairs):
        assert f"#cell-{true}-{predicted}" in page.links


def test_report_gives_the_reasons_the_quarantine_and_the_command(digits_run: Path) -> None:
    text = Page(write_report(digits_run)).text
    assert "found: the loss falls steadily up to here" in text
    assert "notes.jpg" in text
    assert "text, not an image" in text
    assert "convscope train digits --network linear" in text
    assert "sha256:4f1c9a2be07d" in text
    assert "training.learning_rate" in text


def test_report_is_written_whole_and_again(digits_run: Path) -> None:
    first = write_report(digits_run).read_bytes()
    assert write_report(digits_run).read_bytes() == first
    assert [path.name for path in digits_run.glob("*report*")] == ["report.html"]


def test_report_of_an_interrupted_run_shows_its_curves(interrupted_run: Path) -> None:
    page = Page(write_report(interrupted_run))
    assert "not finished" in page.text
    assert "learning" in page.ids
    assert not {"confusion", "classes", "calibration"} & sections(page)


def test_report_of_a_run_that_has_hardly_begun(interrupted_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "begun"
    run.mkdir()
    (run / "config.json").write_bytes((interrupted_run / "config.json").read_bytes())
    page = Page(write_report(run))
    assert "before the first validation" in page.text
    assert "learning" not in page.ids


def test_report_of_a_regression(regression_run: Path) -> None:
    page = Page(write_report(regression_run))
    assert "regression" in page.ids
    assert not {"confusion", "classes", "calibration"} & sections(page)
    assert "Furthest off" in page.text


def test_report_of_a_hundred_classes_stays_small_and_lists_the_weakest_first(hundred_run: Path) -> None:
    path = write_report(hundred_run)
    assert path.stat().st_size < 10_000_000
    page = Page(path)
    assert "Most confused" in page.text
    assert len([name for name in page.ids if name.startswith("cell-")]) > 100
    table = page.text[page.text.rindex("Class by class") : page.text.rindex("How sure it is")]
    shares = re.findall(r"(\d+\.\d) % \d+\.\d %", table)
    found = [float(share) for share in shares]
    assert found == sorted(found)


def test_names_are_text_and_never_markup(strangely_named_run: Path) -> None:
    written = write_report(strangely_named_run).read_text(encoding="utf-8")
    assert "<script>alert" not in written
    assert "&lt;script&gt;alert" in written


def test_pictures_of_look_are_shown_with_their_questions(look_run: Path) -> None:
    page = Page(write_report(look_run))
    assert "What does the first layer look for?" in page.text
    assert "four filters" in page.alts


def test_a_picture_too_large_for_the_page_is_named_instead(look_run: Path) -> None:
    (look_run / "look/large.svg").write_text(f"<svg><!--{'x' * 4_000_000}--></svg>")
    index = json.loads((look_run / "look/index.json").read_text())
    index.append({**index[0], "file": "large.svg"})
    (look_run / "look/index.json").write_text(json.dumps(index))
    path = write_report(look_run)
    assert path.stat().st_size < 10_000_000
    assert "Too large for this page: look/large.svg" in Page(path).text


def test_logits_that_are_no_numbers_leave_the_curves(diverged_run: Path) -> None:
    page = Page(write_report(diverged_run))
    assert "learning" in page.ids
    assert "confusion" not in page.ids


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_regression_says_where_it_answers_outside_the_range_it_saw(regression_run: Path) -> None:
    target = {"task": "regression", "class_names": [], "mean": 4.5, "std": 2.9, "low": 2.0, "high": 6.0}
    (regression_run / "classifier.json").write_text(json.dumps({"target": target}))
    text = Page(write_report(regression_run)).text
    assert "95 % interval" in text
    assert "2–6" in text
