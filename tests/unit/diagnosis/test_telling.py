"""What can be told from what: shifts, leaks and files that give their label away."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.dataset import ImageRows, ImageSet
from convscope.diagnosis.copies import Neighbours, neighbours
from convscope.diagnosis.measuring import tell_by_file, tell_splits_apart
from convscope.diagnosis.rule import AbsentError
from convscope.diagnosis.rules.files import told_by_file
from convscope.diagnosis.rules.shift import leaks, shift
from convscope.diagnosis.telling import HalfTest, half_test


def pictures(count: int, seed: int, brightness: float = 0.0) -> ImageSet:
    """Blurred noise, uint8 (N, 1, 12, 12)."""
    random = np.random.default_rng(seed)
    coarse = random.normal(120 + brightness, 40, (count, 1, 6, 6)).repeat(2, axis=2).repeat(2, axis=3)
    pixels = (coarse + random.normal(0, 8, (count, 1, 12, 12))).clip(0, 255).astype(np.uint8)
    return image_set(torch.from_numpy(pixels), f"{seed}-")


def image_set(pixels: torch.Tensor, prefix: str) -> ImageSet:
    names = tuple(f"{prefix}{row}" for row in range(len(pixels)))
    return ImageSet(ImageRows.of(pixels), torch.zeros(len(pixels), dtype=torch.int64), names, names)


def test_chance_is_exact_where_nothing_can_be_told() -> None:
    """The p-values of 300 pairs of like samples are no smaller than uniform ones."""
    random = np.random.default_rng(0)
    chances = [
        half_test(random.normal(size=(120, 6)), random.integers(0, 2, 120), seed).p() for seed in range(300)
    ]
    assert np.mean(np.array(chances) < 0.05) < 0.08
    assert min(chances) > 1e-4


def test_classes_that_differ_are_told() -> None:
    labels = np.arange(200) % 4
    features = np.eye(4)[labels] + np.random.default_rng(0).normal(0, 0.1, (200, 4))
    test = half_test(features, labels)
    assert test.right == test.total == 100
    assert test.p(0.5) < 1e-9


def test_a_constant_feature_is_no_trouble() -> None:
    test = half_test(np.ones((40, 3)), np.arange(40) % 2)
    assert test.p() > 0.05


@pytest.mark.parametrize("seed", range(8))
def test_like_splits_pass_and_a_brighter_one_is_shifted(seed: int) -> None:
    train = pictures(300, seed)
    like = tell_splits_apart(train, pictures(120, 100 + seed), 1000)
    assert all((each.p or 0) > 0.003 for each in shift({"test": like}).findings)
    other = tell_splits_apart(train, pictures(120, 100 + seed, brightness=60), 1000)
    (found,) = shift({"validation": other}).findings
    assert found.name == "shift"
    assert (found.p or 0) < 1e-4
    assert "validation" in found.sentence


@pytest.mark.parametrize("seed", range(8))
def test_new_images_are_no_leak(seed: int) -> None:
    found = neighbours(pictures(400, seed), {"test": pictures(150, 100 + seed)}, 1000)
    assert all((each.p or 0) > 0.003 for each in leaks((), found).findings)


@pytest.mark.parametrize("moved", ["by a pixel", "mirrored", "darker"])
def test_copies_in_the_test_split_are_a_leak_and_named(moved: str) -> None:
    train, new = pictures(400, 0), pictures(150, 1)
    originals = train.images[:75]
    copies = {
        "by a pixel": originals.roll((1, 1), (2, 3)),
        "mirrored": originals.flip(3),
        "darker": (originals.float() * 0.6).to(torch.uint8),
    }[moved]
    mixed = image_set(torch.cat([copies, new.images[:75]]), "copy-")
    found = neighbours(train, {"test": mixed}, 1000)
    copy, original = found.closest["test"]
    assert copy.removeprefix("copy-") == original.removeprefix("0-")
    (finding,) = leaks((), found).findings
    assert (finding.p or 0) < 1e-6
    assert f"{copy} = {original}" in finding.evidence


def test_a_leak_into_the_test_alone_is_not_thinned_by_validation_images() -> None:
    train, validation, new = pictures(400, 0), pictures(300, 1), pictures(75, 2)
    leaked = image_set(torch.cat([train.images[:30].roll(1, 3), new.images[:45]]), "copy-")
    (finding,) = leaks((), neighbours(train, {"validation": validation, "test": leaked}, 1000)).findings
    assert finding.sentence.startswith("test images")
    assert (finding.p or 0) < 1e-4


def test_series_among_the_training_images_do_not_hide_a_leak() -> None:
    """Frames of 40 films, ten of each, dealt to training and test without regard to the film."""
    films = pictures(40, 0).images[:]
    noise = torch.from_numpy(np.random.default_rng(2).normal(0, 6, (400, 1, 12, 12)))
    frames = (films.repeat_interleave(10, dim=0) + noise).clamp(0, 255).to(torch.uint8)
    of_film = torch.arange(400) // 10
    held = torch.arange(400) % 10 == 0
    train = replace(image_set(frames[~held], "train-"), clusters=tuple(of_film[~held].tolist()))
    (finding,) = leaks((), neighbours(train, {"test": image_set(frames[held], "test-")}, 1000)).findings
    assert (finding.p or 0) < 1e-6


def test_training_images_of_one_series_alone_are_compared_with_nothing() -> None:
    train = replace(pictures(100, 0), clusters=(7,) * 100)
    with pytest.raises(AbsentError, match="copies or series"):
        neighbours(train, {"test": pictures(50, 1)}, 1000)


def test_one_shared_image_of_many_is_a_note_and_many_are_an_error() -> None:
    distances = Neighbours(
        own=np.linspace(0.1, 1, 500), met={"test": np.linspace(0.1, 1, 500)}, closest={"test": ("a", "b")}
    )
    one = leaks((("a", "b"),), distances).findings[0]
    many = leaks((("a", "b"),) * 50, distances).findings[0]
    assert (one.severity, many.severity) == ("note", "error")


def test_shift_without_a_split_is_absent() -> None:
    with pytest.raises(AbsentError, match="too few"):
        shift({})


BLIND = HalfTest(right=55, total=100, by_chance=0.5)
SEEING = HalfTest(right=98, total=100, by_chance=0.5)


def test_a_size_that_follows_from_the_picture_gives_nothing_away() -> None:
    """A one takes less ink than a zero, and fewer bytes."""
    by_size = (HalfTest(right=180, total=200, by_chance=0.5), "size")
    assert told_by_file(by_size, SEEING).findings == ()
    assert [each.name for each in told_by_file(by_size, BLIND).findings] == ["told-by-file"]


def files(folder: Path, planted: bool) -> DataConfig:
    for number in range(120):
        noise = np.random.default_rng(number).integers(0, 255, (16, 16), dtype=np.uint8)
        place = folder / f"class-{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        quality = 40 + 50 * (number % 2) if planted else 80
        Image.fromarray(noise).save(place / f"{number}.jpg", quality=quality)
    return DataConfig(source=str(folder))


@pytest.mark.parametrize("planted", [True, False])
def test_a_quality_that_goes_with_the_class_gives_it_away(tmp_path: Path, planted: bool) -> None:
    verdict = told_by_file(tell_by_file(files(tmp_path / "data", planted)), BLIND)
    assert [finding.name for finding in verdict.findings] == (["told-by-file"] if planted else [])
    assert all((finding.p or 0) < 1e-4 for finding in verdict.findings)


def test_files_are_told_apart_however_few_pixels_pillow_allows(tmp_path, monkeypatch) -> None:
    config = files(tmp_path, True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert tell_by_file(config)[0].share > 0.9


def test_arrays_and_few_files_are_absent() -> None:
    with pytest.raises(AbsentError, match="no files"):
        tell_by_file(DataConfig(source="counting:1-3"))
    with pytest.raises(AbsentError, match="too few"):
        told_by_file((HalfTest(right=5, total=10, by_chance=0.5), "size"), BLIND)
