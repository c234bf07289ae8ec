"""A look says which images the network was fitted on, and notices that the data have changed."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import convscope as cs
from convscope.cli.main import run as run_command
from convscope.errors import DataError
from convscope.looking.asking import Request
from convscope.looking.subject import open_subject
from convscope.report.page.look_folder import Written, write_look


def entries_of(run: Path, **request: object) -> list[dict[str, object]]:
    list(write_look(open_subject(run), Request(**request)))  # type: ignore[arg-type]
    entries: list[dict[str, object]] = json.loads((run / "look" / "index.json").read_text())
    return entries


def test_the_classifier_of_a_cross_validated_run_is_looked_at_on_training_images(folded_run: Path) -> None:
    subject = open_subject(folded_run)
    assert subject.judging_split == "train"
    assert len(subject.judging) == 18
    for entry in entries_of(folded_run, only=("where", "plane", "maps")):
        words = f"{entry['title']} {entry['finding']} {entry['alt']}"
        assert "test" not in words, words
        assert "training image" in words, words


def test_images_kept_apart_are_called_what_they_are(run: Path) -> None:
    titles = {entry["file"]: entry["title"] for entry in entries_of(run, only=("where", "plane"))}
    assert "test images" in str(titles["plane-pca.svg"])
    assert all("training" not in str(title) for title in titles.values())


def test_without_test_images_it_is_judged_on_validation_images(
    bars: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = tmp_path_factory.mktemp("validated")
    settings = {"steps": 2, "batch_size": 16, "threads": 1, "test_fraction": 0.0}
    run = cs.train(bars, runs=runs, network="two-conv", **settings).path
    subject = open_subject(run)
    assert subject.judging_split == "validation"
    assert subject.pick(0).split == "validation"
    found = [each for each in write_look(subject, Request(only=("plane",))) if isinstance(each, Written)]
    assert all("validation images" in each.answer.title for each in found)


def test_an_image_of_ones_own_is_recognised_by_its_content(run: Path, bars: Path, tmp_path: Path) -> None:
    subject = open_subject(run)
    trained_on = bars / subject.dataset.train.ids[0]
    renamed = Path(shutil.copy(trained_on, tmp_path / "holiday.png"))
    assert subject.pick(renamed).split == "train"
    fresh = tmp_path / "fresh.png"
    Image.new("L", (16, 16), 77).save(fresh)
    assert subject.pick(fresh).split is None
    entries = entries_of(run, only=("where",), images=(renamed, fresh))
    chosen = next(entry for entry in entries if entry["file"] == "where-holiday-fresh.svg")
    assert "1 of 2 are training images" in str(chosen["finding"]) or "of 3" in str(chosen["finding"])


def test_changed_data_are_noticed_in_a_cross_validated_run_too(
    folded_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = folded_run.parents[1] / "bars" / "lying" / "new.png"
    Image.new("L", (16, 16), 200).save(added)
    try:
        with pytest.raises(DataError, match="has changed since"):
            cs.look(folded_run).maps()
        assert run_command(["look", str(folded_run), "--only", "maps"]) == 3
        assert "has changed since" in capsys.readouterr().err
    finally:
        added.unlink()
    cs.look(folded_run).maps()
