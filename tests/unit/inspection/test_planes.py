import numpy as np
import pytest
import torch
from torch import nn

from convscope.errors import UsageError
from convscope.inspection.hidden_values import last_hidden_values
from convscope.inspection.planes import plane


def _clusters(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 3
    return (10 * np.eye(3, 8)[labels] + generator.normal(size=(count, 8))).astype(np.float32), labels


def test_the_last_hidden_layer_is_what_the_output_layer_reads(small, images):
    batch = images(9, (1, 12, 12))
    hidden = last_hidden_values(small, batch, batch_size=4)
    assert hidden.output_layer == "head"
    with torch.no_grad():
        assert np.allclose(small.head(torch.from_numpy(hidden.values)), hidden.logits, atol=1e-5)
        assert np.allclose(small(batch), hidden.logits, atol=1e-5)


def test_a_convolution_as_output_layer(images):
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    assert last_hidden_values(network, images(3, (1, 8, 8))).values.shape == (3, 4)


def test_a_network_without_hidden_layer_says_so(images):
    with pytest.raises(UsageError, match="no hidden layer"):
        last_hidden_values(nn.AdaptiveAvgPool2d(1), images(1, (1, 2, 2)))


@pytest.mark.parametrize("method", ["pca", "t-sne"])
def test_groups_stay_apart_and_a_seed_gives_the_same_plane(method):
    values, labels = _clusters()
    first, second = (plane(values, method=method, seed=1) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    distances = np.linalg.norm(first.points[:, None] - first.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(1)] == labels).all()


def test_explained_variance():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(2000, 3)) * [3.0, 2.0, 1.0]
    shares = plane(values.astype(np.float32)).explained_variance
    assert shares == pytest.approx((9 / 14, 4 / 14), abs=0.03)
    assert plane(values[:20].astype(np.float32), method="t-sne").explained_variance is None


def test_too_many_points_are_drawn_from_with_the_seed():
    values, _ = _clusters(500)
    first, second, other = (plane(values, max_points=100, seed=seed) for seed in (0, 0, 1))
    assert first.points.shape == (100, 2)
    assert first.available == 500
    assert np.array_equal(first.indices, second.indices)
    assert not np.array_equal(first.indices, other.indices)
    assert (np.diff(first.indices) > 0).all()


def test_rows_that_are_all_alike_lie_on_one_spot():
    for method in ("pca", "t-sne"):
        assert not plane(np.ones((10, 4), np.float32), method=method).points.any()


def test_what_cannot_be_laid_out_is_a_usage_error():
    with pytest.raises(UsageError, match="at least 5 rows"):
        plane(np.ones((3, 4), np.float32))
    with pytest.raises(UsageError, match="finite"):
        plane(np.full((9, 4), np.nan, np.float32))
    with pytest.raises(UsageError, match="pca or t-sne"):
        plane(np.ones((9, 4), np.float32), method="umap")
