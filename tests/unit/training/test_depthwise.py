"""Depthwise convolutions in bfloat16: the same gradients, each computed where it is fast."""

import pytest
import torch
from torch import Tensor, nn

from convscope.training.depthwise import fast_depthwise

CPU = torch.device("cpu")


def gradients(layer: nn.Conv2d, images: Tensor, *, fast: bool) -> list[Tensor]:
    layer.zero_grad()
    images = images.clone().requires_grad_()
    with (
        torch.autocast("cpu", torch.bfloat16),
        fast_depthwise(CPU, torch.bfloat16 if fast else torch.float32),
    ):
        output = layer(images)
    output.float().square().sum().backward()
    found = [output, images.grad, *(parameter.grad for parameter in layer.parameters())]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("channels_out", [4, 8])
def test_output_and_gradients_are_those_of_the_library(
    kernel_size: int, stride: int, bias: bool, channels_out: int
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, channels_out, kernel_size, stride, padding=kernel_size // 2, groups=4, bias=bias)
    images = torch.randn(2, 4, 9, 9)

    ours, theirs = (gradients(layer, images, fast=fast) for fast in (True, False))

    assert len(ours) == len(theirs) == (4 if bias else 3)
    for mine, library in zip(ours, theirs, strict=True):
        assert mine.dtype == library.dtype
        difference = (mine.float() - library.float()).abs().max()
        assert difference <= 0.03 * library.float().abs().max()  # bfloat16 has eight bits


@pytest.mark.parametrize(
    ("kernel_size", "stride", "formats"),
    [
        (3, 1, {"input": torch.bfloat16, "weight": torch.bfloat16}),
        (3, 2, {"input": torch.float32, "weight": torch.bfloat16}),
        (5, 1, {"input": torch.bfloat16, "weight": torch.float32}),
        (5, 2, {"input": torch.float32, "weight": torch.float32}),
    ],
)
def test_a_gradient_that_is_slow_in_bfloat16_is_computed_in_float32(
    kernel_size: int, stride: int, formats: dict[str, torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: dict[str, torch.dtype] = {}
    original = torch.ops.aten.convolution_backward

    def watch(gradient: Tensor, images: Tensor, weight: Tensor, *more: object) -> tuple[Tensor, ...]:
        wanted = more[-1]
        assert isinstance(wanted, list)
        computed["input" if wanted[0] else "weight"] = gradient.dtype
        found: tuple[Tensor, ...] = original(gradient, images, weight, *more)
        return found

    monkeypatch.setattr(torch.ops.aten, "convolution_backward", watch)

    gradients(nn.Conv2d(4, 4, kernel_size, stride, groups=4, bias=False), torch.randn(1, 4, 9, 9), fast=True)

    assert computed == formats


@pytest.mark.parametrize("groups", [1, 2])
def test_other_convolutions_are_the_librarys(groups: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 4, 3, groups=groups)
    images = torch.randn(2, 4, 9, 9)

    ours, theirs = (gradients(layer, images, fast=fast) for fast in (True, False))

    assert all(torch.equal(mine, library) for mine, library in zip(ours, theirs, strict=True))


def test_a_layer_that_is_not_trained_gets_no_gradient() -> None:
    layer = nn.Conv2d(4, 4, 3, groups=4, bias=False).requires_grad_(False)

    assert len(gradients(layer, torch.randn(1, 4, 9, 9), fast=True)) == 2


def test_float32_and_a_gpu_are_left_alone() -> None:
    layer = nn.Conv2d(4, 4, 3, groups=4)
    images = torch.randn(1, 4, 9, 9)
    plain = layer(images)

    with fast_depthwise(CPU, torch.float32):
        assert torch.equal(layer(images), plain)
    with fast_depthwise(torch.device("cuda"), torch.bfloat16):
        assert torch.equal(layer(images), plain)
