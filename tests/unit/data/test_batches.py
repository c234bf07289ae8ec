"""The order of images: every one once an epoch, decided by seed and epoch alone."""

import pytest
import torch

from convscope.data.batches import derive_seed, epoch_batches, steps_per_epoch


@pytest.mark.parametrize(
    ("num_images", "batch_size"), [(10, 3), (128, 128), (129, 128), (1, 64), (7, 100), (100, 1)]
)
def test_every_image_once_in_batches_of_nearly_one_size(num_images: int, batch_size: int) -> None:
    batches = epoch_batches(num_images, batch_size, seed=0, epoch=0)
    assert len(batches) == steps_per_epoch(num_images, batch_size)
    assert torch.cat(batches).sort().values.tolist() == list(range(num_images))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    first = torch.cat(epoch_batches(50, 8, seed=3, epoch=2))
    torch.manual_seed(99)
    torch.rand(5)
    assert torch.cat(epoch_batches(50, 8, seed=3, epoch=2)).equal(first)
    assert not torch.cat(epoch_batches(50, 8, seed=3, epoch=3)).equal(first)
    assert not torch.cat(epoch_batches(50, 8, seed=4, epoch=2)).equal(first)
    assert torch.cat(epoch_batches(50, 16, seed=3, epoch=2)).equal(first)


def test_drawing_an_order_leaves_the_global_random_state_alone() -> None:
    state = torch.get_rng_state()
    epoch_batches(50, 8, seed=3, epoch=2)
    epoch_batches(50, 8, seed=3, epoch=2, weights=torch.ones(50))
    assert torch.get_rng_state().equal(state)


def test_weights_decide_how_often_an_image_comes() -> None:
    weights = torch.tensor([0.0, 1.0, 3.0]).repeat(1000)
    drawn = torch.cat(epoch_batches(3000, 64, seed=0, epoch=0, weights=weights))
    assert len(drawn) == 3000
    counts = torch.bincount(drawn % 3, minlength=3).tolist()
    assert counts[0] == 0
    assert counts[2] / counts[1] == pytest.approx(3, abs=0.4)


def test_derived_seeds_are_apart_and_known() -> None:
    seeds = {derive_seed(seed, "step", step) for seed in range(20) for step in range(50)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(1, 23) != derive_seed(12, 3)
    # Written down: another value would change what every seed in every paper and report means.
    assert derive_seed(0, "order", 0) == 1_829_853_113_658_518_448
