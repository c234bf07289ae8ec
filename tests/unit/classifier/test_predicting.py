"""What a prediction is asked for: files, folders, opened pictures; what cannot be read is said by name."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.classifier.classifier import Classifier
from convscope.classifier.prediction import Prediction
from convscope.classifier.reading import Reading
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.data.quarantine import Quarantined
from convscope.errors import DataError, UsageError

SIZE = 8


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    preprocessing = Preprocessing(height=SIZE, width=SIZE, channels=3)
    return Classifier.build(
        NetworkConfig(name="linear"), preprocessing, Target(class_names=("a", "b")), seed=0
    )


def png(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, one of them deeper and without an extension, and what is left out everywhere."""
    wanted = ("img2.png", "img10.png", "deeper/photo")
    unwanted = (
        ".ipynb_checkpoints/img2-checkpoint.png",
        "__MACOSX/._img2.png",
        "deeper/@eaDir/img2.png/SYNOPHOTO_THUMB_M.jpg",
        "$RECYCLE.BIN/old.png",
        ".hidden.png",
        "Thumbs.db",
        "desktop.ini",
    )
    for number, name in enumerate((*wanted, *unwanted)):
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / name).write_bytes(png(number))
    return tmp_path / "new"


def found(answers: list[Prediction], folder: Path) -> list[str]:
    return [str(Path(answer.path).relative_to(folder)) for answer in answers]


def test_a_folder_is_predicted_as_training_would_read_it(classifier: Classifier, folder: Path) -> None:
    """In natural order, without what file managers, notebooks and operating systems leave behind."""
    expected = ["deeper/photo", "img2.png", "img10.png"]
    assert found(classifier.predict(folder), folder) == expected
    assert found(classifier.predict(str(folder)), folder) == expected
    assert found(classifier.predict([folder, folder / "img2.png"]), folder) == [*expected, "img2.png"]


def test_the_command_line_leaves_the_same_out(
    classifier: Classifier, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from convscope.cli.main import run

    saved = classifier.save(tmp_path / "model")
    assert run(["predict", str(saved), str(folder), "--csv"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [Path(row.split(",")[0]).name for row in rows] == ["photo", "img2.png", "img10.png"]


def test_each_file_is_answered_or_set_aside(classifier: Classifier, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (folder / "notes.txt").write_text("not meant as an image")
    (folder / "empty.png").touch()
    answers = list(classifier.predict_all([folder, "nothere.png"]))
    aside = {Path(a.path).name: a.reason for a in answers if isinstance(a, Quarantined)}
    assert aside["nothere.png"] == "not there"
    assert aside["empty.png"] == "empty"
    assert aside["notes.txt"] == "not an image: text"
    assert set(aside) == {"broken.jpg", "notes.txt", "empty.png", "nothere.png"}
    kept = [answer for answer in answers if isinstance(answer, Prediction)]
    assert len(kept) == 3
    names = [Path(answer.path).name for answer in answers]
    assert names == ["broken.jpg", "photo", "empty.png", "img2.png", "img10.png", "notes.txt", "nothere.png"]
    [alone] = classifier.predict(kept[0].path)
    assert alone.probabilities == pytest.approx(kept[0].probabilities, abs=1e-6)


def test_a_text_beside_the_images_does_not_stop_a_folder(classifier: Classifier, folder: Path) -> None:
    (folder / "notes.txt").write_text("not meant as an image")
    assert len(classifier.predict(folder)) == 3
    (folder / "cut.png").write_bytes(png(1)[:60])
    with pytest.raises(DataError, match=r"cut\.png: cut short"):
        classifier.predict(folder)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "not there"),
        (lambda path: path.touch(), "empty"),
        (lambda path: path.write_text("hello"), "not an image: text"),
        (lambda path: path.write_bytes(png(0)[:70]), "cut short"),
        (lambda path: path.symlink_to("nowhere"), "a dangling link"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.mkdir(), "a folder without files"),
    ],
    ids=["absent", "empty", "text", "cut", "dangling", "pipe", "empty folder"],
)
def test_what_cannot_be_read_is_named(
    classifier: Classifier, tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "nothere.png"
    make(path)
    with pytest.raises(DataError) as caught:
        classifier.predict(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    if not path.is_dir():
        with pytest.raises(DataError, match=f"nothere.png: {reason}"):
            classifier.read(path)


def test_an_image_too_large_for_the_run_is_named(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(0))
    small = Classifier(
        classifier.network,
        classifier.network_config,
        classifier.preprocessing,
        classifier.target,
        Reading(max_pixels=SIZE * SIZE - 1),
    )
    with pytest.raises(DataError, match=r"x\.png: 8 × 8 pixels are over the limit of 63"):
        small.predict(tmp_path / "x.png")
    assert len(classifier.predict(tmp_path / "x.png")) == 1


def test_a_name_that_is_no_text_shows_its_bytes(classifier: Classifier, folder: Path) -> None:
    strange = os.fsdecode(b"caf\xe9.png")
    (folder / strange).write_bytes(png(7))
    shown = [answer.path for answer in classifier.predict(folder)]
    assert str(folder / "caf\\xe9.png") in shown
    "".join(shown).encode("utf-8")
    assert classifier.predict(folder / strange)[0].path == str(folder / "caf\\xe9.png")


def test_opened_pictures_are_numbered_and_pixels_are_refused(classifier: Classifier, folder: Path) -> None:
    pictures = [Image.open(folder / "img2.png"), folder / "img2.png", Image.open(folder / "img10.png")]
    answers = classifier.predict(pictures)
    assert [answer.path for answer in answers] == ["image 0", str(folder / "img2.png"), "image 2"]
    assert answers[0].probabilities == answers[1].probabilities
    with pytest.raises(UsageError, match=r"ndarray.*fromarray"):
        classifier.predict(np.zeros((SIZE, SIZE, 3), np.uint8))


@pytest.mark.parametrize("mode", ["I", "I;16"])
def test_an_opened_picture_of_16_bits_is_scaled_and_not_cut_off(classifier: Classifier, mode: str) -> None:
    pixels = np.linspace(0, 65_535, SIZE * SIZE).reshape(SIZE, SIZE)
    picture = Image.fromarray(pixels.astype(np.int32 if mode == "I" else np.uint16))
    assert picture.mode == mode
    values = classifier.read(picture)
    assert (values.min(), values.max()) == (0, 255)
    assert len(values.unique()) == SIZE * SIZE


def test_an_opened_picture_of_unknown_range_is_refused(classifier: Classifier) -> None:
    with pytest.raises(DataError, match="floating-point"):
        classifier.predict(Image.fromarray(np.zeros((SIZE, SIZE), np.float32)))


def test_a_picture_cut_short_is_refused_opened_or_not(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(png(0)[:80])
    with Image.open(tmp_path / "cut.png") as picture:
        [answer] = classifier.predict_all(picture)
        assert isinstance(answer, Quarantined)
        with pytest.raises(DataError):
            classifier.predict(picture)


def test_predictions_come_as_they_are_made(classifier: Classifier, folder: Path) -> None:
    """A folder of a million images does not have to be read before the first answer."""

    def endless() -> object:
        while True:
            yield folder / "img2.png"

    answers = classifier.predict_all(endless())
    assert [next(answers).path for _ in range(600)] == [str(folder / "img2.png")] * 600


def test_read_gives_pixels_of_their_own(classifier: Classifier, folder: Path) -> None:
    pixels = classifier.read(folder / "img2.png")
    assert pixels.shape == (3, SIZE, SIZE)
    assert pixels.dtype == torch.uint8
    pixels.zero_()
    assert classifier.read(folder / "img2.png").any()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_gets_the_channels_of_the_network(mode: str, channels: int) -> None:
    target = Target(class_names=("a", "b"))
    preprocessing = Preprocessing(height=4, width=6, channels=channels)
    classifier = Classifier.build(NetworkConfig(name="linear"), preprocessing, target, seed=0)
    pixels = classifier.read(Image.new(mode, (6, 4), 90 if mode == "L" else (90, 90, 90)))
    assert pixels.shape == (channels, 4, 6)
    assert pixels.unique().tolist() == [90]
