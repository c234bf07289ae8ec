"""Flips, quarter turns and pad-and-crop: exact copies of pixels, from (seed, step) alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from convscope.data.augmentation import PRESETS, Augmentation


def batch(count: int = 64, channels: int = 3, height: int = 6, width: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator)


def augmented(text: str, images: Tensor, seed: int = 0, step: int = 0) -> Tensor:
    labels = torch.zeros(len(images), dtype=torch.int64)
    augmentation = Augmentation.from_text(text)
    return augmentation.apply(images, labels, num_classes=10, seed=seed, step=step)[0]


def as_bytes(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)


def test_without_operations_images_are_only_scaled_and_labels_pass_through() -> None:
    images, labels = batch(), torch.arange(64)
    result, targets = Augmentation.from_text("none").apply(images, labels, num_classes=64, seed=0, step=0)
    assert torch.equal(result, images.float() / 255)
    assert torch.equal(targets, labels)


@pytest.mark.parametrize(("text", "axis"), [("flip-horizontal", 3), ("flip-vertical", 2)])
def test_a_flip_mirrors_some_images_exactly_and_leaves_the_others(text: str, axis: int) -> None:
    images = batch()
    result = as_bytes(augmented(text, images))
    same = (result == images).flatten(1).all(1)
    mirrored = (result == images.flip(axis)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 16 < mirrored.sum() < 48


def test_quarter_turns_bring_all_four_positions_about_equally_often() -> None:
    images = batch(400)
    result = as_bytes(augmented("quarter-turns", images))
    turned = torch.stack([(result == images.rot90(k, (2, 3))).flatten(1).all(1) for k in range(4)])
    assert (turned.sum(0) == 1).all()
    assert (turned.sum(1) > 60).all()


def test_images_that_are_not_square_are_only_turned_upside_down() -> None:
    images = batch(height=4, width=7)
    result = as_bytes(augmented("quarter-turns=1", images))
    assert torch.equal(result, images.flip((2, 3)))


def test_both_flips_and_turns_bring_all_eight_symmetries() -> None:
    images = batch(400)
    result = as_bytes(augmented("symmetric", images))
    turns = [images.rot90(k, (2, 3)) for k in range(4)]
    found = torch.stack(
        [(result == turn).flatten(1).all(1) for turn in [*turns, *(t.flip(3) for t in turns)]]
    )
    assert (found.sum(0) == 1).all()
    assert (found.sum(1) > 20).all()


def test_pad_and_crop_equals_a_crop_of_the_reflected_image() -> None:
    images = batch(200)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    result = as_bytes(augmented("pad-and-crop=2", images)).numpy()
    places = np.array(
        [
            [
                np.array_equal(result[i], padded[i, :, y : y + 6, x : x + 6])
                for y in range(5)
                for x in range(5)
            ]
            for i in range(200)
        ]
    )
    assert (places.sum(1) == 1).all()
    assert (places.sum(0) > 0).all()


def test_flip_and_crop_together_still_only_copy_pixels() -> None:
    images = batch(32, height=40, width=40)
    result = as_bytes(augmented("cifar", images))
    inner = images[..., 4:-4, 4:-4]
    for before, after in zip(inner, result, strict=True):
        spread = after.unfold(1, 32, 1).unfold(2, 32, 1)  # (C, 9, 9, 32, 32)
        options = (before, before.flip(2))
        assert any((spread == option[:, None, None]).all((0, 3, 4)).any() for option in options)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_depends_on_seed_and_step_alone(preset: str) -> None:
    images = batch(16, height=16, width=16)
    torch.manual_seed(1)
    first = augmented(preset, images, seed=3, step=5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(first, augmented(preset, images, seed=3, step=5))
    assert torch.equal(state, torch.get_rng_state())
    if preset != "none":
        assert not torch.equal(first, augmented(preset, images, seed=3, step=6))
        assert not torch.equal(first, augmented(preset, images, seed=4, step=5))


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("channels", [1, 3])
def test_a_preset_keeps_shape_and_range_and_its_input(preset: str, channels: int) -> None:
    images = batch(8, channels, 28, 28)
    kept = images.clone()
    result = augmented(preset, images)
    assert result.shape == images.shape
    assert result.dtype == torch.float32
    assert result.min() >= 0
    assert result.max() <= 1
    assert torch.equal(images, kept)


def test_seed_and_step_are_not_interchangeable() -> None:
    images = batch()
    assert not torch.equal(augmented("symmetric", images, 0, 1), augmented("symmetric", images, 1, 0))


def test_images_that_are_floats_already_are_refused() -> None:
    with pytest.raises(TypeError, match="uint8"):
        augmented("none", batch().float())
