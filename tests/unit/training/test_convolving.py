"""Convolutions in less time: outputs and gradients stay what the library's are."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from convscope.training.convolving.blocks import find_blocks
from convscope.training.convolving.fast import fast_convolutions
from convscope.training.convolving.passes import can_cut

F32, BF16 = torch.float32, torch.bfloat16


def gradients(
    network: nn.Module, images: Tensor, *, fast: bool, precision: torch.dtype = F32, frozen: bool = False
) -> dict[str, Tensor]:
    """Output and every gradient, by name."""
    network.zero_grad()
    images = images.clone().requires_grad_()
    ways = fast_convolutions(
        network if fast else nn.Identity(), precision, frozen_on=images if frozen else None
    )
    with torch.autocast("cpu", precision, enabled=precision != F32), ways:
        output = network(images)
    output.float().square().sum().backward()
    named = {name: parameter.grad for name, parameter in network.named_parameters()}
    found = {"output": output, "images": images.grad} | named
    return {name: each for name, each in found.items() if each is not None}


def assert_alike(network: nn.Module, images: Tensor, *, within: float, **settings: object) -> None:
    ours, theirs = (gradients(network, images, fast=fast, **settings) for fast in (True, False))  # type: ignore[arg-type]
    assert ours.keys() == theirs.keys()
    for name, library in theirs.items():
        assert ours[name].dtype == library.dtype, name
        assert (ours[name] - library).float().norm() <= within * library.float().norm(), name


@pytest.mark.parametrize("precision", [F32, BF16])
@pytest.mark.parametrize("kernel_size", [3, 5, 7, (3, 5), (5, 3), 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("channels_out", [4, 8])
def test_depthwise_outputs_and_gradients_are_those_of_the_library(
    precision: torch.dtype, kernel_size: int | tuple[int, int], stride: int, bias: bool, channels_out: int
) -> None:
    torch.manual_seed(0)
    size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    padding = (size[0] // 2, size[1] // 2)
    layer = nn.Conv2d(4, channels_out, size, stride, padding=padding, groups=4, bias=bias)

    assert_alike(
        layer, torch.randn(2, 4, 9, 8), within=1e-5 if precision == F32 else 0.01, precision=precision
    )


@pytest.mark.parametrize(
    "other",
    [
        {"padding": 0},
        {"padding": 4, "dilation": 2},
        {"padding": "same"},
        {"padding": 2, "padding_mode": "reflect"},
        {"padding": (2, 1)},
    ],
)
def test_wide_kernels_that_are_placed_otherwise_are_as_good(other: dict[str, object]) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 3, 5, groups=3, **other)  # type: ignore[arg-type]

    assert_alike(layer, torch.randn(2, 3, 11, 10), within=1e-5)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_kernel_may_be_wider_than_its_images(width: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 3, 7, padding=3, groups=3)

    assert_alike(layer, torch.randn(2, 3, 5, width), within=1e-5)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "formats"),
    [
        (3, 1, {"input": BF16, "weight": BF16}),
        (3, 2, {"input": F32, "weight": BF16}),
        (5, 1, {"input": BF16, "weight": F32}),
        (5, 2, {"input": F32, "weight": F32}),
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
    layer = nn.Conv2d(4, 4, kernel_size, stride, kernel_size // 2, groups=4, bias=False)

    gradients(layer, torch.randn(1, 4, 9, 9), fast=True, precision=BF16)

    assert computed == formats


class Branching(nn.Module):
    """What a fold must not be fooled by: an output that goes two ways, and a layer that is used twice."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.one, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.other, self.end = nn.BatchNorm2d(3), nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        found = self.one(images)
        match self.kind:
            case "two ways":
                found = self.norm(found) + found
            case "two norms":
                found = self.norm(found) - self.other(found)
            case "twice":
                found = self.norm(self.one(self.norm(found)))
        return self.end(found.mean((2, 3)))


def settled(network: nn.Module) -> nn.Module:
    """Normalisations with statistics and factors that differ from nothing."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean, module.running_var = torch.randn(3), torch.rand(3) + 0.5
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
            module.eval()
    return network


@pytest.mark.parametrize("kind", ["two ways", "two norms", "twice"])
def test_what_a_fold_would_change_is_not_folded(kind: str) -> None:
    network, images = settled(Branching(kind)), torch.randn(1, 3, 6, 6)

    assert_alike(network, images, within=1e-5, frozen=True)


CUTS: dict[str, Callable[[], nn.Module]] = {
    "nothing": nn.Identity,
    "relu": nn.ReLU,
    "relu in place": lambda: nn.ReLU(inplace=True),
    "relu6": nn.ReLU6,
    "relu6 in place": lambda: nn.ReLU6(inplace=True),
    "hardtanh": nn.Hardtanh,
    "silu": nn.SiLU,
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
def test_a_frozen_normalisation_learns_as_before(cut: str, groups: int, bias: bool, affine: bool) -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 3, 5, padding=2, groups=groups, bias=bias), nn.BatchNorm2d(3, affine=affine)
    network = settled(nn.Sequential(*layers, CUTS[cut](), nn.Conv2d(3, 2, 1)))

    assert_alike(network, 3 * torch.randn(1, 3, 6, 6), within=1e-5, frozen=True)
    for each in network.parameters():
        each.data += 0.1  # as a step does
    assert_alike(network, 3 * torch.randn(1, 3, 6, 6), within=1e-5, frozen=True)


def test_what_follows_a_convolution_is_found_and_done_with_it() -> None:
    network = settled(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU6(), nn.Conv2d(3, 3, 1)))

    (block,) = find_blocks(network, torch.randn(1, 3, 6, 6))

    assert (block.layer, block.norm, block.top, block.is_frozen) == (network[0], network[1], 6.0, True)
    assert can_cut()


def test_a_normalisation_that_follows_its_batch_goes_on_to() -> None:
    network, images = settled(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))), torch.randn(4, 3, 6, 6)
    fast = fast_convolutions(network, F32, frozen_on=images[:1])
    twin = copy.deepcopy(network.train())

    with fast:
        output = network(images)

    assert torch.equal(output, twin(images))
    assert torch.equal(network[1].get_buffer("running_mean"), twin[1].get_buffer("running_mean"))


def test_a_normalisation_without_statistics_of_its_own_is_not_folded() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3, track_running_stats=False).eval()
    network = nn.Sequential(nn.Conv2d(3, 3, 3), norm, nn.ReLU())

    assert find_blocks(network, torch.randn(1, 3, 6, 6)) == []
    assert_alike(network, torch.randn(1, 3, 6, 6), within=1e-5, frozen=True)


def test_a_network_that_is_moved_in_memory_meanwhile_is_still_known() -> None:
    network, images = settled(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))), torch.randn(2, 3, 6, 6)
    fast = fast_convolutions(network, F32, frozen_on=images[:1])
    network.double().float()
    torch.nn.init.ones_(network[1].get_buffer("running_mean"))
    plain = network(images)

    with fast:
        assert torch.allclose(network(images), plain, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_grouped_convolutions_with_a_frozen_normalisation_learn_as_before(groups: int) -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(6, 6, 5, padding=2, groups=groups), nn.BatchNorm2d(6).eval(), nn.ReLU6()

    assert_alike(nn.Sequential(*layers), 3 * torch.randn(1, 6, 6, 6), within=1e-5, frozen=True)


@pytest.mark.parametrize("groups", [1, 2])
def test_other_convolutions_are_the_librarys(groups: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 4, 3, groups=groups)

    assert_alike(layer, torch.randn(2, 4, 9, 9), within=0.0)


def test_a_layer_that_is_not_trained_gets_no_gradient() -> None:
    layer = nn.Conv2d(4, 4, 3, groups=4, bias=False).requires_grad_(False)

    assert gradients(layer, torch.randn(1, 4, 9, 9), fast=True, precision=BF16).keys() == {"output", "images"}
