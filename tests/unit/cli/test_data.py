"""`convscope data`: results first, pictures after; and pictures that show what training sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.auditing.samples import draw_as_trained, draw_for_head, take_samples
from convscope.data.pixels.reading import PixelFormat
from convscope.data.sources import open_source
from convscope.data.survey import survey_source
from convscope.training.plan import plan_experiment
from convscope.training.preparation import build_step, load_planned, prepare
from convscope.training.progress import Silent

Convscope = Callable[..., Any]


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Photos twice as wide as high, that a centre crop would halve."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 8), ("valid", 3), ("test", 3)):
        for name in ("ant", "bee"):
            (tmp_path / "wide" / split / name).mkdir(parents=True)
            for number in range(count):
                values = generator.integers(0, 256, (8, 16, 3), dtype=np.uint8)
                picture = Image.fromarray(values).resize((160, 80), Image.Resampling.BICUBIC)
                picture.save(tmp_path / "wide" / split / name / f"{number}.png")
    return tmp_path / "wide"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / "small" / name).mkdir(parents=True)
        for number in range(4):
            values = generator.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / "small" / name / f"{number}.png")
    return tmp_path / "small"


@pytest.mark.parametrize("flags", [{"augmentation.preset": "photos"}, {"augmentation.preset": "cifar"}])
def test_the_picture_shows_to_the_bit_what_training_sees(wide: Path, flags: dict[str, str]) -> None:
    asked = override(
        ExperimentConfig(),
        {"data.source": str(wide), "network.name": "linear", "preprocessing.size": 32, **flags},
    )
    source = open_source(asked.data)
    plan = plan_experiment(asked, survey_source(source, asked.data.max_pixels))
    dataset = load_planned(plan.config)
    step = build_step(prepare(plan.config, dataset, torch.device("cpu"), Silent()), plan.config.seed)
    image = plan.config.preprocessing
    form = PixelFormat((image.size, image.size), image.channels, image.fit, dataset.reading)
    samples = take_samples(source, form, 6)
    places = [
        next(place for place, pixels in enumerate(dataset.train.images) if np.array_equal(pixels, wanted))
        for wanted in samples.images
    ]
    drawn = draw_as_trained(samples, step.augmentation, seed=plan.config.seed, draws=3)
    for number in range(3):
        seen, _ = step.batch(torch.tensor(places), number)
        pixels = (step.preprocessing.unstandardise(seen) * 255).round().clamp(0, 255).to(torch.uint8)
        assert (pixels.int() - torch.from_numpy(drawn[:, number]).int()).abs().max() <= 1
    assert len({tuple(drawn[0, number].ravel()) for number in range(3)}) == 3


def test_a_head_alone_is_drawn_as_it_is_fitted(wide: Path, convscope: Convscope, tmp_path: Path) -> None:
    place = tmp_path / "p.png"
    told = convscope("data", wide, "--augmentation", "photos", "--frozen", "--picture", place).out
    assert "256×256 px, colour, other shapes squashed" in told
    assert "each image and its mirror image" in told
    with Image.open(place) as frozen:
        frozen_width = frozen.width
    told = convscope("data", wide, "--augmentation", "photos", "--picture", place, "--overwrite").out
    assert "photos" in told
    assert "mirror image" not in told
    with Image.open(place) as drawn:
        assert drawn.width > 2 * frozen_width  # eight draws instead of the image and its mirror image
    source = open_source(override(ExperimentConfig(), {"data.source": str(wide)}).data)
    samples = take_samples(source, PixelFormat((16, 16), 3, "squash"), 4)
    seen = draw_for_head(samples, mirrored=True)
    assert np.array_equal(seen[:, 0], samples.images)
    assert np.array_equal(seen[:, 1], samples.images[..., ::-1])
    assert draw_for_head(samples, mirrored=False).shape[1] == 1


def test_flags_of_train_change_the_picture(wide: Path, convscope: Convscope, tmp_path: Path) -> None:
    told = convscope(
        *("data", wide, "--augmentation", "none", "--picture", tmp_path / "p.png"),
        *("--network", "two-conv", "--size", 24, "--fit", "crop"),
    ).out
    assert "24×24 px, colour, other shapes cropped to the centre" in told
    assert "--size 24 --fit crop --augmentation none --network two-conv" in told


def test_no_picture_is_overwritten_unasked(
    small: Path, convscope: Convscope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    mine = Path("small-samples.png")
    mine.write_bytes(b"mine")
    assert convscope("data", small, "--json").document["picture"] == "small-2-samples.png"
    assert convscope("data", small, "--json").document["picture"] == "small-3-samples.png"
    done = convscope("data", small, "--picture", mine, "--json")
    assert (done.code, done.document["picture"]) == (0, None)
    assert "--overwrite" in done.err
    assert mine.read_bytes() == b"mine"
    assert convscope("data", small, "--picture", mine, "--overwrite", "--json").document["picture"] == str(
        mine
    )
    assert mine.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("json", [False, True])
def test_a_picture_that_cannot_be_written_costs_no_result(
    small: Path, convscope: Convscope, tmp_path: Path, json: bool
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = convscope("data", small, "--picture", tmp_path / "file" / "x.png", *(["--json"] if json else []))
    assert done.code == 0
    assert "was not drawn" in done.err
    if json:
        assert done.document["picture"] is None
        assert done.document["images"] == 8
    else:
        assert "8 images, 2 classes" in done.out


def test_a_read_only_folder_costs_no_result(
    small: Path, convscope: Convscope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "small-samples.png")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Image.Image, "save", refuse)
    done = convscope("data", small, "--json")
    assert (done.code, done.document["picture"], done.document["images"]) == (0, None, 8)
    assert "Permission denied" in done.err


@pytest.mark.parametrize("arguments", [("--picture", "x.svg"), ("--augmentation", "nope")])
def test_what_is_typed_wrong_is_said_before_the_audit(
    small: Path, convscope: Convscope, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("audited")

    monkeypatch.setattr("convscope.face.auditing.audit", never)
    assert convscope("data", small, *arguments).code == 2


def test_counts_are_of_the_images_that_can_be_used(small: Path, convscope: Convscope, tmp_path: Path) -> None:
    (small / "ant" / "cut.jpg").write_bytes(_jpeg()[:700])
    (small / "bee" / "whole.jpg").write_bytes(_jpeg())
    found = convscope("data", small, "--json", "--picture", tmp_path / "p.png").document
    assert found["images"] == 9
    assert found["formats"] == {"PNG": 8, "JPEG": 1}
    assert sum(entry["count"] for entry in found["sizes"]) == 9
    assert sum(found["modes"].values()) == 9
    assert [entry["path"] for entry in found["quarantined"]] == ["ant/cut.jpg"]


def test_a_table_of_numbers_with_one_broken_file_is_audited(
    small: Path, convscope: Convscope, tmp_path: Path
) -> None:
    (small / "broken.png").write_bytes(b"")
    lines = [f"{name}/{number}.png,{number + 0.5}" for name in ("ant", "bee") for number in range(4)]
    (small / "table.csv").write_text("\n".join(["path,label", *lines, "broken.png,0.1"]))
    found = convscope("data", small / "table.csv", "--json", "--picture", tmp_path / "p.png")
    assert (found.code, found.document["images"]) == (0, 8)


def _jpeg() -> bytes:
    import io

    file = io.BytesIO()
    values = np.random.default_rng(5).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(values).save(file, "JPEG")
    return file.getvalue()
