"""From the runs of a reproduction to the files of its row."""

import io
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.errors import RunError
from convscope.evaluation.confusion import Confusion
from convscope.looking.plan import make_plan
from convscope.looking.signals import Signals, measure_signals
from convscope.looking.subject import open_subject
from convscope.report.rows.features import features_plate
from convscope.report.rows.kept import keep_plates
from convscope.report.rows.matrix import confusion_picture
from convscope.report.rows.plates import MOST_BYTES, PICTURES, Kept, Plate, plates, small_file
from convscope.report.rows.values import values_plate
from convscope.trials.features import see_features


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `runs/reproduce`, with small trainings on bars in place of the published ones."""
    folder = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for name in ("lying", "standing"):
        (folder / name).mkdir()
        for number in range(20):
            pixels = random.integers(0, 120, (16, 16), dtype=np.uint8)
            pixels[np.s_[5:7] if name == "lying" else np.s_[:, 5:7]] += 60
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    runs = tmp_path_factory.mktemp("reproduce")
    settings = {"network": "two-conv", "batch_size": 8, "threads": 1, "learning_rate": 0.001}
    for steps, name in ((0, "seed-0-step-0"), (1, "seed-0-step-1"), (3, "seed-0")):
        cs.train(folder, runs=runs / "mnist-two-conv", name=name, steps=steps, **settings)
    one = runs / "mnist-two-conv" / "seed-0"
    for other in (
        "mnist-conv4-bad-init",
        "mnist-conv4-good-init",
        "mnist-conv4-adam",
        "mnist-conv4-momentum",
    ):
        shutil.copytree(one, runs / other / "seed-0")
    for other in ("mnist-conv-dropout", "counting-1-5", "kittens"):
        shutil.copytree(one, runs / other / "seed-0")
    course = [{"step": step, "value": 0.5, "low": 0.2, "high": 0.8, "whole": 0.6} for step in (1, 2)]
    kept = {"figures": {"validation accuracy of 4 images": {"value": 0.5, "images": 4, "course": course}}}
    (runs / "mnist-conv-dropout" / "seed-0" / "reproduction.json").write_text(json.dumps(kept))
    return runs


def check(plate: Plate) -> None:
    assert len(plate.content) <= MOST_BYTES
    if plate.name.endswith(".svg"):
        ElementTree.fromstring(plate.content)
    elif plate.name.endswith((".png", ".webp")):
        assert Image.open(io.BytesIO(plate.content)).width > 100
    else:
        assert plate.content.startswith(b"<!doctype html>")


WHOLE = {
    "optimizer-race": ["map.svg", "surface.webp", "animation.html"],
    "mnist-conv4-bad-init": ["values-before-each-non-linearity.svg"],
    "mnist-conv4-adam": ["loss-by-steps-and-by-seconds.svg"],
    "mnist-conv-dropout": ["validation-accuracy-of-few-images.svg"],
    "counting-1-5": ["samples.png"],
    "imagenet-features": ["of-efficientnet-lite0-on-photos.png"],
}


@pytest.mark.parametrize("experiment", WHOLE)
def test_a_row_has_its_pictures_under_its_name(made: Path, experiment: str) -> None:
    found = list(plates(experiment, Kept(reproductions=made)))
    assert [plate.name for plate in found] == [f"{experiment}-{what}" for what in WHOLE[experiment]]
    for plate in found:
        check(plate)


def test_accuracy_by_steps_with_errors_confusion_matrix_and_filters(made: Path) -> None:
    found = {
        plate.name.removeprefix("mnist-two-conv-"): plate
        for plate in plates("mnist-two-conv", Kept(reproductions=made))
    }
    assert {
        "accuracy-by-steps.svg",
        "confusion-matrix.svg",
        "filters-of-conv1.png",
        "filters-of-conv2.png",
    } <= set(found)
    for plate in found.values():
        check(plate)
    said = found["accuracy-by-steps.svg"].content.decode()
    assert "before training" in said
    assert "10,000" not in said  # what was not run is not drawn


@pytest.mark.parametrize("experiment", [*PICTURES, "mnist-linear"])
def test_without_runs_there_is_nothing_to_draw(experiment: str, tmp_path: Path) -> None:
    found = list(plates(experiment, Kept(reproductions=tmp_path / "nowhere")))
    assert (found == []) == (experiment != "optimizer-race")  # the race needs none


def test_a_networks_time_is_drawn_from_its_card(tmp_path: Path) -> None:
    spread = {"mean": 0.2, "sd": 0.01, "median": 0.2}
    sizes = [{"batch_size": size, "forward": spread, "forward_backward": spread} for size in (1, 2)]
    setting = {
        "device": "cpu",
        "threads": 2,
        "precision": "float32",
        "layout": "channels-last",
        "compiled": False,
    }
    machine = {"device_name": "a CPU"}
    details = {
        "network": "vgg16",
        "image": [3, 224, 224],
        "machine": machine,
        "setting": setting,
        "sizes": sizes,
    }
    (found,) = plates("vgg16-timing", Kept(reproductions=tmp_path, details=details))
    assert found.name == "vgg16-timing-time-by-batch-size.svg"
    check(found)


def test_pictures_are_kept_beside_the_runs(tmp_path: Path) -> None:
    for _ in range(2):  # those of before are replaced
        written = keep_plates("optimizer-race", Kept(reproductions=tmp_path))
    folder = tmp_path / "optimizer-race" / "pictures"
    assert sorted(folder.iterdir()) == sorted(written)
    assert keep_plates("mnist-linear", Kept(reproductions=tmp_path)) == []


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "optimizer-race").write_text("in the way")
    with pytest.raises(RunError, match="could not be written"):
        keep_plates("optimizer-race", Kept(reproductions=tmp_path))


@pytest.mark.parametrize(("size", "most"), [((400, 400), 40_000), ((600, 90), 3_000), ((3, 900), 10)])
def test_a_picture_is_brought_below_its_limit(size: tuple[int, int], most: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    ending, content = small_file(Image.fromarray(pixels), most)
    assert ending == ".webp"
    assert len(content) <= most or max(Image.open(io.BytesIO(content)).size) < 64


def test_a_picture_that_is_small_stays_exact() -> None:
    picture = Image.new("RGB", (50, 50), "red")
    ending, content = small_file(picture)
    assert ending == ".png"
    assert Image.open(io.BytesIO(content)).tobytes() == picture.tobytes()


def test_a_plate_of_features_has_a_row_for_each_layer(made: Path) -> None:
    features = see_features(made / "kittens" / "seed-0")
    one = see_features(made / "kittens" / "seed-0", ["conv1"])
    assert len(features.layers) == 2
    assert features_plate(one).height < features_plate(features).height


@pytest.fixture(scope="module")
def signals(made: Path) -> Signals:
    subject = open_subject(made / "mnist-two-conv" / "seed-0")
    return measure_signals(subject, make_plan(subject))


def test_values_stand_side_by_side_with_their_deviations(signals: Signals) -> None:
    root = ElementTree.fromstring(values_plate({"N(0, 1)": signals, "<He>": signals}))
    words = [each.text or "" for each in root.iter() if each.tag.endswith("text")]
    assert {"N(0, 1)", "<He>", "conv1", "conv2", "logits"} <= set(words)
    assert sum("deviation" in each for each in words) == 2 * (len(signals.histograms.layers) + 1)


def test_values_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        values_plate({})


@pytest.mark.parametrize(
    "names",
    [("a", "b"), ("a very long name of a class", "<b> & “c”"), tuple(f"class {k}" for k in range(60))],
)
def test_any_confusion_matrix_can_be_drawn(names: tuple[str, ...]) -> None:
    counts = np.eye(len(names), dtype=np.int64) * 7
    counts[0, 1] = 3
    svg = confusion_picture(Confusion(counts, names))
    root = ElementTree.fromstring(svg)
    total = counts.sum()
    assert root.attrib["aria-label"] == f"Confusion matrix: {counts.trace():,} of {total:,} right"
    cells = [each for each in root.iter() if each.tag.endswith("rect")]
    assert len(cells) == 1 + np.count_nonzero(counts)  # the paper, and a cell where something is


def test_a_class_without_images_leaves_its_row_empty() -> None:
    svg = confusion_picture(Confusion(np.zeros((3, 3), dtype=np.int64), ("a", "b", "c")))
    cells = [each for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("rect")]
    assert len(cells) == 1  # the paper
