"""What values look like when they are printed, and in a notebook."""

import json
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.errors import UsageError
from convscope.face.live import NotebookProgress, listener_here, watched
from convscope.training.progress import Choice, Silent
from convscope.work import working

EMPTY = {"img", "br", "meta", "progress"}


class Tags(HTMLParser):
    """Whether every element is closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag


def values(place: Path) -> dict[str, Any]:
    run = cs.FinishedRun(place / "runs/photos")
    answers = cs.predict(run, ["new.png", "missing.png"])
    return {
        "a run": run,
        "an evaluation": cs.evaluate(run),
        "a classifier": cs.load(run),
        "answers": answers,
        "an answer": answers[0],
        "an audit": cs.data("photos"),
        "a diagnosis": cs.diagnose(run),
        "a comparison": cs.compare(run, place / "runs/other"),
        "a summary": cs.summary("two-conv"),
    }


def test_values_show_themselves_and_can_be_read_when_printed(place: Path) -> None:
    for name, value in values(place).items():
        html, text = value._repr_html_(), str(value)
        tags = Tags(html)
        assert tags.open == [], name
        assert "script" not in tags.seen
        assert "nan" not in html.replace("nano", ""), name
        assert max(map(len, text.splitlines())) < 160, name
        assert "array(" not in text, name
        assert len(repr(value)) < 400, name


def test_a_run_shows_its_curves_and_what_was_chosen(place: Path) -> None:
    html = cs.FinishedRun("runs/photos")._repr_html_()
    assert html.count("<svg") == 2
    assert "url(#clip" not in html  # several runs on one page would share it
    assert "what was chosen, and why" in html
    assert "two-conv" in html
    assert '"#ffffff"' not in html  # no white slab on a dark page


def test_a_name_is_text_and_never_markup(place: Path) -> None:
    Path("a<b>.png").write_bytes(Path("new.png").read_bytes())
    html = cs.predict("runs/photos", "a<b>.png")._repr_html_()
    assert "a<b>" not in html
    assert "a&lt;b&gt;.png" in html


def test_a_whole_folder_is_answered_and_what_is_no_image_is_named(place: Path) -> None:
    Path("folder/notes.jpg").write_text("no image")
    answers = cs.predict("runs/photos", "folder")
    assert [answer.path for answer in answers] == ["folder/other.png"]
    assert [entry.path for entry in answers.left_out] == ["folder/notes.jpg"]
    assert "notes.jpg" in str(answers)
    assert "notes.jpg" in answers._repr_html_()
    rows = answers.save("answers.csv").read_text().splitlines()
    assert rows[0] == "path,answer,sure,class,probability,ant,bee"
    assert rows[1].split(",")[2] in ("yes", "no")


def test_no_answer_is_certain(place: Path) -> None:
    sure = cs.Prediction("x.png", "a", 1.0, {"a": 1.0, "b": 0.0})
    assert str(sure) == "x.png: a > 99.9 % · b < 0.1 %"
    torn = cs.Prediction("x.png", "a", 0.55, {"a": 0.55, "b": 0.45})
    assert str(torn) == "x.png: a 55.0 % · b 45.0 % · not sure"
    assert "not sure" in torn._repr_html_()
    assert "not sure" not in sure._repr_html_()


def test_what_python_gives_is_what_the_command_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from convscope.cli.main import run as command

    def document(*words: str) -> Any:
        capsys.readouterr()
        assert command([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    audited = document("data", "photos")
    assert {name: audited[name] for name in ("images", "findings")} == {
        name: cs.data("photos").to_dict()[name] for name in ("images", "findings")
    }
    assert (
        document("predict", "runs/photos", "folder")["predictions"]
        == cs.predict("runs/photos", "folder").to_dict()["predictions"]
    )
    assert document("summary", "two-conv") == json.loads(json.dumps(cs.summary("two-conv").to_dict()))
    assert (
        document("evaluate", "runs/photos")["test"]["accuracy"]
        == cs.evaluate("runs/photos").accuracy.to_dict()
    )


def test_a_cross_validated_run_shows_its_folds_with_and_without_them(place: Path) -> None:
    settings = {"network": "linear", "batch_size": 8, "threads": 1, "learning_rate": 1e-3}
    run = cs.train("photos", name="folded", folds=2, steps=1, **settings)
    assert "held out, by class" in run._repr_html_()
    assert "2 runs" in str(run)
    shutil.rmtree("runs/folded/folds")
    Path("runs/folded/predictions/test.npz").unlink()
    assert "held out, by class" not in run._repr_html_()
    assert "2 runs" in str(run)


def test_a_checkpoint_beside_a_loaded_classifier_is_refused(place: Path) -> None:
    classifier = cs.load("runs/photos")
    assert cs.predict(classifier, "new.png")[0] == cs.predict("runs/photos", "new.png")[0]
    with pytest.raises(UsageError, match="loaded has its weights"):
        cs.predict(classifier, "new.png", checkpoint="untrained")


def test_figures_of_another_kind_are_refused_with_the_right_one(place: Path) -> None:
    with pytest.raises(UsageError, match="see accuracy"):
        _ = cs.evaluate("runs/photos").mean_absolute_error
    with pytest.raises(UsageError, match="choose loss, accuracy, learning rate"):
        cs.FinishedRun("runs/photos").curve("losses")  # type: ignore[arg-type]


def test_a_misspelled_setting_is_answered_with_the_one_that_was_meant(place: Path) -> None:
    with pytest.raises(UsageError, match="'epoch' is not a setting; did you mean epochs"):
        cs.train("photos", epoch=5)


class Place:
    """Where a notebook shows something: keeps what stood there."""

    def __init__(self, shown: NotebookProgress) -> None:
        self.drawn: list[str] = []

    def update(self, shown: NotebookProgress, /) -> None:
        self.drawn.append(shown._repr_html_())


def test_a_notebook_sees_choices_a_bar_and_each_epoch(place: Path) -> None:
    places: list[Place] = []

    def show(shown: NotebookProgress) -> Place:
        places.append(Place(shown))
        return places[-1]

    settings = {"network": "two-conv", "batch_size": 8, "threads": 1, "learning_rate": 1e-3}
    cs.train("photos", steps=6, validate_every=2, progress=NotebookProgress(show), **settings)
    drawn = places[0].drawn
    assert len(places) == 1  # one place that changes, not a page of lines
    assert any("<progress" in each for each in drawn)
    assert "<progress" not in drawn[-1]
    assert "two-conv" in drawn[-1]
    assert drawn[-1].count(" %</td>") == 8  # train and validation, before and after each two steps
    assert all(Tags(each).open == [] for each in drawn)


def test_outside_a_notebook_nobody_listens() -> None:
    assert isinstance(listener_here(), Silent)


def test_a_shell_with_a_kernel_is_a_notebook_and_one_in_a_terminal_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stand-in for IPython, which is no dependency: what is asked of it, and how it is called."""
    calls: list[bool] = []

    def display(shown: NotebookProgress, *, display_id: bool) -> Place:
        calls.append(display_id)
        return Place(shown)

    for shell, expected in ((SimpleNamespace(kernel=1), NotebookProgress), (SimpleNamespace(), Silent)):
        ipython = SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
        assert isinstance(listener_here(), expected)
    assert calls == [True]


def test_a_notebook_sees_work_that_is_no_step() -> None:
    places: list[Place] = []

    def show(shown: NotebookProgress) -> Place:
        places.append(Place(shown))
        return places[-1]

    progress = NotebookProgress(show)
    with watched(progress), working("features of 8 images", 8) as work:
        work.advance(4)
        progress.on_choice(Choice("network", "two-conv"))  # which draws at once
    with_bar, at_the_end = places[0].drawn[-2:]
    assert 'value="4" max="8"' in with_bar
    assert "features of 8 images" in with_bar
    assert "<progress" not in at_the_end
    assert "<progress" not in progress._repr_html_()


def test_a_choice_is_text_in_the_notebook() -> None:
    progress = NotebookProgress(Place)
    progress.on_choice(Choice("<i>", "a&b"))
    assert "&lt;i&gt;" in progress._repr_html_()


def test_images_and_pixels_may_be_mixed(place: Path) -> None:
    grey = Image.fromarray(np.zeros((24, 24), np.uint8))
    assert [each.path for each in cs.predict("runs/photos", [grey, "new.png"])] == ["image 0", "new.png"]


def test_the_rooms_that_share_a_name_with_a_function_stay_rooms(place: Path) -> None:
    import convscope.data.loading
    import convscope.report.palette

    assert convscope.data.loading.load_dataset
    assert cs.data("photos").images == 24
    assert cs.report("runs/photos").is_file()
