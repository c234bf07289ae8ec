"""Geometry, colours, noise, erasing and mixing: checked against independent computations."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from convscope.data.augmentation import Augmentation, pipeline
from convscope.data.augmentation.colour import blur_images, change_colours, draw_blur, draw_colour_maps
from convscope.data.augmentation.draws import step_generator
from convscope.data.augmentation.geometry import draw_maps, sample
from convscope.data.augmentation.operations import (
    Blur,
    Brightness,
    Contrast,
    Hue,
    Operation,
    Perspective,
    Rotate,
    Saturation,
    Shift,
    Zoom,
)


def photos(count: int = 4, channels: int = 3, height: int = 32, width: int = 32) -> Tensor:
    """Smooth random pictures, uint8."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(count, channels, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return (smooth.clamp(0, 1) * 255).to(torch.uint8)


def augmented(text: str, images: Tensor, seed: int = 0, step: int = 0) -> Tensor:
    labels = torch.zeros(len(images), dtype=torch.int64)
    return Augmentation.from_text(text).apply(images, labels, num_classes=3, seed=seed, step=step)[0]


def blob(x: float, y: float, height: int = 65, width: int = 65) -> Tensor:
    """One white spot at (x, y), each from -1 to 1."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at_row, at_column = (y + 1) * height / 2 - 0.5, (x + 1) * width / 2 - 0.5
    return torch.exp(-((rows - at_row) ** 2 + (columns - at_column) ** 2) / 8)[None, None]


def spot(image: Tensor) -> tuple[float, float]:
    """Centre of gravity, in pixels from the middle: x, y."""
    row, column = ndimage.center_of_mass(image[0, 0].numpy())
    return column - (image.shape[3] - 1) / 2, row - (image.shape[2] - 1) / 2


def test_a_turn_keeps_the_distance_from_the_centre_even_when_the_image_is_not_square() -> None:
    image = blob(0.4, 0.0, height=65, width=129)
    for step in range(5):
        maps = draw_maps([Rotate(40.0)], 1, (65, 129), step_generator(0, step))
        assert maps is not None
        x, y = spot(sample(image, maps, repeat_edge=True))
        assert math.hypot(x, y) == pytest.approx(math.hypot(*spot(image)), abs=0.1)
        assert abs(math.degrees(math.atan2(y, x))) < 40


def test_shift_and_zoom_stay_within_their_strength() -> None:
    generator = step_generator(0, 0)
    shifts = draw_maps([Shift(0.1)], 1000, (10, 10), generator)
    zooms = draw_maps([Zoom(0.25)], 1000, (10, 10), generator)
    assert shifts is not None
    assert zooms is not None
    assert 0.19 < shifts[:, :2, 2].abs().max() <= 0.2  # -1..1 across: 0.1 of the width is 0.2
    assert 1 / 1.25 <= zooms[:, 0, 0].min() < 0.82
    assert 1.23 < zooms[:, 0, 0].max() <= 1.25
    assert zooms[:, 0, 0].log().mean() == pytest.approx(0, abs=0.02)


def test_geometry_is_composed_into_one_sampling() -> None:
    operations: list[Operation] = [Shift(0.1), Rotate(20.0), Zoom(0.2), Perspective(0.2)]
    generator = step_generator(0, 3)
    singles = [draw_maps([operation], 2, (33, 33), generator) for operation in operations]
    together = draw_maps(operations, 2, (33, 33), step_generator(0, 3))
    product = torch.eye(3)
    for single in singles:
        assert single is not None
        product = product @ single
    assert together is not None
    assert torch.allclose(together, product, atol=1e-6)


def test_flips_are_exact_where_the_geometry_stands_still() -> None:
    images = photos(40)
    result = augmented("flip-horizontal, flip-vertical, shift=1e-9", images)
    options = [images, images.flip(2), images.flip(3), images.flip((2, 3))]
    near = torch.stack([(result - option / 255).abs().amax((1, 2, 3)) < 1e-3 for option in options])
    assert (near.sum(0) == 1).all()
    assert (near.sum(1) > 2).all()


def test_perspective_enlarges_one_side_and_shrinks_the_other() -> None:
    maps = torch.eye(3)[None].clone()
    maps[0, 2, 0] = 0.3
    right, left = (
        spot(sample(blob(0.5, 0.0), maps, repeat_edge=True)),
        spot(sample(blob(-0.5, 0.0), maps, repeat_edge=True)),
    )
    # x of the old image is x / (1 + 0.3 x) of the new one, so the new place is x / (1 - 0.3 x).
    assert right[0] / 32.5 == pytest.approx(0.5 / (1 - 0.15), abs=0.02)
    assert left[0] / 32.5 == pytest.approx(-0.5 / (1 + 0.15), abs=0.02)


@pytest.mark.parametrize(
    "text", ["shift=0.3", "rotate=45", "zoom=1", "perspective=0.4", "pad-and-crop=8", "photos"]
)
@pytest.mark.parametrize("padding", ["", ", edge-padding"])
def test_no_black_border_appears(text: str, padding: str) -> None:
    white = torch.full((32, 3, 24, 24), 255, dtype=torch.uint8)
    without_colours = text + padding + ", brightness=0, contrast=0, saturation=0"
    assert augmented(without_colours, white).min() > 0.999


def test_mirrored_and_repeated_edges_differ_where_they_should() -> None:
    ramp = torch.arange(0, 240, 10, dtype=torch.uint8).expand(64, 1, 24, 24).contiguous()
    repeated = augmented("pad-and-crop=5, edge-padding", ramp)
    assert (repeated.diff(dim=3) >= 0).all()
    assert (augmented("pad-and-crop=5", ramp).diff(dim=3) < 0).any()


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Brightness(0.3), lambda image: reference.adjust_brightness(image, 1.3)),
        (Contrast(0.3), lambda image: reference.adjust_contrast(image, 1.3)),
        (Saturation(0.3), lambda image: reference.adjust_saturation(image, 1.3)),
    ],
)
def test_a_colour_change_is_torchvisions(
    operation: Operation, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "convscope.data.augmentation.colour.uniform", lambda _, count, low, high: torch.full((count,), high)
    )
    images = photos().float() / 255 * 0.5 + 0.2  # nothing is cut off at black or white
    maps = draw_colour_maps([operation], len(images), 3, step_generator(0, 0))
    assert maps is not None
    assert callable(expected)
    assert torch.allclose(change_colours(images, *maps), expected(images), atol=0.003)


def test_a_third_of_a_hue_turn_makes_red_green_and_keeps_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "convscope.data.augmentation.colour.uniform", lambda _, count, low, high: torch.full((count,), high)
    )
    maps = draw_colour_maps([Hue(1 / 3)], 1, 3, step_generator(0, 0))
    assert maps is not None
    pixels = torch.tensor([[0.6, 0.4, 0.4], [0.5, 0.5, 0.5]]).T.reshape(1, 3, 1, 2)
    turned, grey = change_colours(pixels, *maps)[0, :, 0].T
    assert turned.argmax() == 1
    assert torch.allclose(grey, torch.full((3,), 0.5), atol=1e-3)
    luma = torch.tensor([0.299, 0.587, 0.114])
    assert luma @ turned == pytest.approx(float(luma @ pixels[0, :, 0, 0]), abs=1e-3)


def test_colour_changes_follow_each_other() -> None:
    operations: list[Operation] = [Brightness(0.2), Contrast(0.3), Saturation(0.4), Hue(0.1)]
    images = photos().float() / 255 * 0.3 + 0.3
    generator = step_generator(0, 0)
    stepwise = images
    for operation in operations:
        maps = draw_colour_maps([operation], len(images), 3, generator)
        assert maps is not None
        stepwise = change_colours(stepwise, *maps)
    together = draw_colour_maps(operations, len(images), 3, step_generator(0, 0))
    assert together is not None
    assert torch.allclose(change_colours(images, *together), stepwise, atol=1e-5)


@pytest.mark.parametrize("text", ["saturation=1", "hue=0.5"])
def test_grey_images_have_no_colours_to_change(text: str) -> None:
    images = photos(channels=1)
    assert torch.allclose(augmented(text, images), images.float() / 255, atol=1e-6)


def test_blur_is_scipys_gaussian() -> None:
    images = photos().float() / 255
    kernels = draw_blur([Blur(1.5)], len(images), step_generator(0, 0))
    assert kernels is not None
    offsets = torch.arange(kernels.shape[1]) - kernels.shape[1] // 2
    sigmas = (kernels * offsets**2).sum(1).sqrt()
    expected = [
        ndimage.gaussian_filter(image.numpy(), (0, float(s), float(s)), mode="nearest", radius=(0, 5, 5))
        for image, s in zip(images, sigmas, strict=True)
    ]
    assert np.abs(blur_images(images, kernels).numpy() - np.stack(expected)).max() < 0.01
    assert sigmas.max() < 1.5


def test_noise_has_its_strength_and_no_tint() -> None:
    grey = torch.full((200, 3, 16, 16), 128, dtype=torch.uint8)
    noise = augmented("noise=0.1", grey) - 128 / 255
    spread = noise.flatten(1).std(1)
    assert spread.max() < 0.12
    assert spread.mean() == pytest.approx(0.05, abs=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.001)


def test_erasing_paints_one_rectangle_in_the_mean_colour() -> None:
    images = photos(200)
    floats = images.float() / 255
    changed = (augmented("erase=0.5", images) - floats).abs().amax(1) > 1e-6
    erased = changed.flatten(1).any(1)
    assert 70 < erased.sum() < 130
    painted = augmented("erase=0.5", images)
    for index in erased.nonzero().flatten().tolist():
        rows, columns = changed[index].nonzero().T
        box = (slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1))
        mean = floats[index].mean((1, 2))[:, None, None]
        assert torch.allclose(
            painted[index][:, *box], mean.expand(3, *painted[index, 0][box].shape), atol=1e-6
        )
        assert changed[index].float().mean() < 0.3


@pytest.mark.parametrize("text", ["mixup=0.4", "cutmix=1", "mixup=0.4, cutmix"])
def test_mixed_labels_are_the_shares_of_the_mixed_images(text: str) -> None:
    # Each class has a grey of its own, so that an image's mean tells the shares of its classes.
    labels = torch.arange(64) % 2
    images = (labels * 255).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).contiguous()
    mixed, targets = Augmentation.from_text(text).apply(images, labels, num_classes=3, seed=0, step=1)
    assert targets.shape == (64, 3)
    assert targets.dtype == torch.float32
    assert torch.allclose(targets.sum(1), torch.ones(64))
    assert torch.allclose(targets[:, 1], mixed.mean((1, 2, 3)), atol=1e-5)
    assert ((targets > 0.02) & (targets < 0.98)).any()


def test_mixing_numbers_to_predict_mixes_the_numbers() -> None:
    labels = torch.arange(32, dtype=torch.float32)
    images = (labels * 8).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    mixed, targets = Augmentation.from_text("mixup").apply(images, labels, num_classes=1, seed=0, step=0)
    assert targets.shape == (32,)
    assert torch.allclose(targets * 8 / 255, mixed.mean((1, 2, 3)), atol=1e-5)


def test_mixup_shares_follow_the_beta_distribution() -> None:
    labels = torch.arange(4000, dtype=torch.float32) % 2
    images = torch.zeros(4000, 1, 2, 2, dtype=torch.uint8)
    _, targets = Augmentation.from_text("mixup=0.5").apply(images, labels, num_classes=1, seed=0, step=0)
    mixed = targets[(targets > 0) & (targets < 1)]
    # The variance of Beta(a, a) is 1 / (4 (2a + 1)); of its value or one minus it, the same.
    assert mixed.var() == pytest.approx(1 / 8, rel=0.08)


def test_images_in_chunks_come_out_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images = photos(9)
    text = "photos, blur=1, noise=0.1, erase=1, cutmix"
    whole = augmented(text, images)
    monkeypatch.setattr(pipeline, "_chunk_size", lambda _: 2)
    assert torch.equal(augmented(text, images), whole)


def test_each_image_gets_its_own_draw() -> None:
    images = photos(1).expand(6, -1, -1, -1).contiguous()
    for text in (
        "shift",
        "rotate",
        "zoom",
        "perspective",
        "blur",
        "brightness",
        "contrast",
        "saturation",
        "hue",
        "noise",
    ):
        result = augmented(text, images)
        assert len({image.numpy().tobytes() for image in result}) == 6, text


def test_an_empty_batch_stays_empty() -> None:
    empty = torch.zeros(0, 3, 8, 8, dtype=torch.uint8)
    assert augmented("photos", empty).shape == (0, 3, 8, 8)


def test_quarter_turns_agree_with_pillow() -> None:
    images = photos(40)
    turned = (augmented("quarter-turns=1", images) * 255).round().to(torch.uint8)
    for before, after in zip(images, turned, strict=True):
        picture = Image.fromarray(before.permute(1, 2, 0).numpy())
        turns = [
            picture.transpose(t)
            for t in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
        ]
        assert any(np.array_equal(np.asarray(turn), after.permute(1, 2, 0).numpy()) for turn in turns)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("text", ["photos, hue, blur, noise, erase, cutmix, mixup", "digits", "symmetric"])
def test_a_gpu_draws_what_the_cpu_draws(text: str) -> None:
    images, labels = photos(16), torch.arange(16) % 3
    augmentation = Augmentation.from_text(text)
    on_cpu, targets = augmentation.apply(images, labels, num_classes=3, seed=0, step=0)
    on_gpu, gpu_targets = augmentation.apply(images.cuda(), labels.cuda(), num_classes=3, seed=0, step=0)
    assert on_gpu.is_cuda
    assert torch.allclose(on_gpu.cpu(), on_cpu, atol=1e-3)
    assert torch.allclose(gpu_targets.cpu().float(), targets.float(), atol=1e-5)
