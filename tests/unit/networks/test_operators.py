"""Operators on the meta device: torch's shapes, without the compiler that torch loads for them."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from convscope.networks.following.operators import _SHORTCUTS, ShapeWatch

ARGUMENTS = {
    "relu.default": ((2, 3, 4, 4),),
    "relu_.default": ((2, 3, 4, 4),),
    "add.Tensor": ((2, 3), (2, 3)),
    "mul.Tensor": ((2, 3), 0.5),
    "mean.dim": ((2, 3, 4, 4), [-1, -2], True),
    "native_batch_norm.default": ((2, 3, 4, 4), (3,), (3,), (3,), (3,), False, 0.1, 1e-5),
    "addmm.default": ((5,), (2, 3), (3, 5)),
}


def on_meta(argument: object) -> object:
    return torch.empty(argument, device="meta") if isinstance(argument, tuple) else argument


@pytest.mark.parametrize("operator", _SHORTCUTS, ids=str)
def test_a_shortcut_gives_torch_s_shape(operator: torch._ops.OpOverload) -> None:
    arguments = [on_meta(each) for each in ARGUMENTS[str(operator).removeprefix("aten.")]]
    expected, found = operator(*arguments), _SHORTCUTS[operator](*arguments)
    if isinstance(expected, Tensor):
        expected, found = (expected,), (found,)
    assert [(each.shape, each.dtype) for each in found] == [(each.shape, each.dtype) for each in expected]


@pytest.mark.parametrize(
    ("layer", "shape", "told"),
    [
        (nn.Linear(3, 5), (2, 4), "same reduction dim"),
        (nn.BatchNorm2d(3), (2, 4, 8, 8), "running_mean should contain 4 elements"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_by_torch(layer: nn.Module, shape: tuple[int, ...], told: str) -> None:
    with ShapeWatch(), torch.no_grad(), pytest.raises((RuntimeError, ValueError), match=told):
        layer.to("meta").eval()(torch.empty(shape, device="meta"))


def test_what_is_broadcast_gets_the_larger_shape() -> None:
    with ShapeWatch():
        found = torch.empty(3, 1, device="meta") + torch.empty(1, 4, device="meta")
        whole = torch.empty(3, device="meta", dtype=torch.int64) * 0.5
    assert found.shape == (3, 4)
    assert whole.dtype == torch.float32


SUMMARISE = """
import sys
from convscope.cli.main import run
for name in ("two-conv", "counter", "small-resnet", "whitened-vgg", "resnet18", "vgg16"):
    run(["summary", name])
print("torch._dynamo" in sys.modules, file=sys.stderr)
"""


def test_no_compiler_is_loaded_for_our_own_networks() -> None:
    done = subprocess.run([sys.executable, "-c", SUMMARISE], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "False"
    assert "conv5_3" in done.stdout
