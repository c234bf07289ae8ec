import pytest
import torch

from convscope.networks.whitened_vgg import WhitenedVGG


def network(in_channels: int = 3) -> WhitenedVGG:
    torch.manual_seed(0)
    return WhitenedVGG(in_channels, (16, 16), 10)


def smooth_images(in_channels: int = 3) -> torch.Tensor:
    """Neighbours alike, as in photos."""
    noise = torch.randn(64, in_channels, 20, 20, generator=torch.Generator().manual_seed(0))
    return 5 * torch.nn.functional.avg_pool2d(noise, 5, stride=1)


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_first_layer_tells_apart_what_neighbours_share(in_channels: int) -> None:
    made, images = network(in_channels), smooth_images(in_channels)
    made.whiten(images)
    filters = len(made.whitening.weight) // 2
    with torch.no_grad():
        responses = torch.nn.functional.conv2d(images, made.whitening.weight[:filters])
    covariance = torch.cov(responses.transpose(0, 1).flatten(1))
    apart = covariance - torch.diag(covariance.diagonal())
    assert apart.abs().max() < 0.02
    assert covariance.diagonal().min() > 0.95  # less than 1 by what is added to each variance
    assert covariance.diagonal().max() < 1.02
    assert torch.equal(made.whitening.weight[filters:], -made.whitening.weight[:filters])


def test_the_first_layer_is_not_trained_once_it_is_set() -> None:
    made = network()
    assert made.whitening.weight.requires_grad
    made.whiten(smooth_images())
    made(smooth_images()).square().sum().backward()
    assert made.whitening.weight.grad is None
    assert made.block1.conv1.weight.grad is not None


def test_images_of_one_colour_give_finite_filters() -> None:
    made = network()
    made.whiten(torch.zeros(4, 3, 8, 8))
    assert made.whitening.weight.isfinite().all()
