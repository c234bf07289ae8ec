import pytest
import torch
from torch import nn

from convscope.networks.padding import (
    SameConv2d,
    SameMaxPool2d,
    output_size,
    same_output_size,
    same_padding,
)


@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "padding", "expected"),
    [
        (28, 5, 1, 0, 24),
        (28, 5, 1, 2, 28),
        (227, 11, 4, 0, 55),
        (7, 3, 2, 0, 3),
        (8, 3, 2, 1, 4),
        (5, 5, 3, 0, 1),
    ],
)
def test_output_size_is_the_formula_rounded_down(
    size: int, kernel_size: int, stride: int, padding: int, expected: int
) -> None:
    assert output_size(size, kernel_size, stride, padding) == expected


@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "expected"),
    [
        (28, 5, 1, (2, 2)),
        (28, 2, 1, (0, 1)),
        (28, 4, 1, (1, 2)),
        (28, 2, 2, (0, 0)),
        (7, 2, 2, (0, 1)),
        (7, 3, 2, (1, 1)),
        (8, 3, 2, (0, 1)),
        (9, 4, 2, (1, 2)),
        (5, 1, 2, (0, 0)),
        (224, 7, 2, (2, 3)),
    ],
)
def test_same_padding_puts_the_odd_pixel_after(
    size: int, kernel_size: int, stride: int, expected: tuple[int, int]
) -> None:
    assert same_padding(size, kernel_size, stride) == expected


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [6, 7])
def test_same_layers_keep_the_size_over_the_stride(size: int, kernel_size: int, stride: int) -> None:
    images = torch.randn(2, 3, size, size + 1)
    expected = (same_output_size(size, stride), same_output_size(size + 1, stride))
    assert SameConv2d(3, 4, kernel_size, stride)(images).shape[2:] == expected
    assert SameMaxPool2d(kernel_size, stride)(images).shape[2:] == expected


def test_same_convolution_by_hand() -> None:
    row = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])  # one row of four pixels
    convolution = SameConv2d(1, 1, kernel_size=3, stride=2, bias=False)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[0, 0, 1] = torch.tensor([1.0, 10.0, 100.0])
        output = convolution(row)
    # four pixels, stride 2: one pixel of padding, to the right. 1 + 20 + 300, and 3 + 40 + 0
    assert output.flatten().tolist() == [321.0, 43.0]


def test_same_convolution_with_an_even_kernel_by_hand() -> None:
    column = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 3, 1)
    convolution = SameConv2d(1, 1, kernel_size=2, stride=1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([[[[1.0, 0.0], [10.0, 0.0]]]]))
        output = convolution(column)
    assert output.flatten().tolist() == [21.0, 32.0, 3.0]


def test_same_max_pooling_is_not_won_by_the_border() -> None:
    images = torch.tensor([[[[-5.0, -1.0, -3.0], [-2.0, -4.0, -6.0], [-9.0, -8.0, -7.0]]]])
    assert SameMaxPool2d(2)(images).tolist() == [[[[-1.0, -3.0], [-8.0, -7.0]]]]
    assert SameMaxPool2d(3, stride=2)(images).tolist() == [[[[-1.0, -1.0], [-2.0, -4.0]]]]


def test_same_convolution_equals_the_plain_one_where_padding_is_symmetric() -> None:
    images = torch.randn(2, 3, 9, 8)
    same, plain = SameConv2d(3, 4, 5), nn.Conv2d(3, 4, 5, padding=2)
    plain.load_state_dict(same.state_dict())
    assert torch.equal(same(images), plain(images))


def test_max_pooling_and_relu_commute() -> None:
    images = torch.randn(2, 3, 9, 8)
    pool = SameMaxPool2d(2)
    assert torch.equal(pool(images).relu(), pool(images.relu()))
