"""Work shared by several processes comes out as one process would have done it."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from convscope.data.augmentation import PRESETS, Augmentation
from convscope.data.batches import epoch_batches
from convscope.errors import UsageError
from convscope.training.processes import Processes

TEXTS = [
    *sorted(PRESETS),
    "photos, hue=0.1, blur=1, noise, erase=0.5",
    "cifar, mixup",
    "photos, cutmix",
    "digits, mixup, cutmix",
]


def ranks(world: int) -> list[Processes]:
    return [Processes(rank, world) for rank in range(world)]


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 12])
def test_every_row_is_one_processes_and_shares_differ_by_at_most_one(world: int, count: int) -> None:
    shards = [processes.shard(count) for processes in ranks(world)]
    assert [row for shard in shards for row in range(count)[shard]] == list(range(count))
    sizes = [shard.stop - shard.start for shard in shards]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("count", "channels"), [(11, 3), (5, 1), (2, 3)])
@pytest.mark.parametrize("world", [2, 3])
def test_a_processes_images_are_its_rows_of_the_whole_batch(
    text: str, count: int, channels: int, world: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, 20, 16), dtype=torch.uint8, generator=generator)
    labels, numbers = torch.arange(count) % 3, torch.rand(count, generator=generator)
    augmentation = Augmentation.from_text(text)
    for targets in (labels, numbers):
        whole = augmentation.apply(images, targets, num_classes=3, seed=5, step=9)
        parts = [
            augmentation.apply(images, targets, num_classes=3, seed=5, step=9, rows=processes.shard(count))
            for processes in ranks(world)
        ]
        assert torch.equal(torch.cat([part[0] for part in parts]), whole[0])
        assert torch.equal(torch.cat([part[1] for part in parts]), whole[1])


def test_an_epoch_of_several_processes_sees_each_image_once() -> None:
    seen = [
        batch[processes.shard(len(batch))]
        for processes in ranks(3)
        for batch in epoch_batches(50, 8, seed=0, epoch=0)
    ]
    assert sorted(torch.cat(seen).tolist()) == list(range(50))


def test_one_process_agrees_with_itself_and_writes() -> None:
    values = torch.tensor([1.5, -2.0])
    assert all(Processes().agree(values, how) is values for how in ("sum", "largest", "first"))
    assert Processes().is_writer


def test_one_of_several_processes_writes() -> None:
    assert [processes.is_writer for processes in ranks(3)] == [True, False, False]


@pytest.mark.parametrize(("rank", "world"), [(1, 1), (-1, 2), (3, 2), (0, 0)])
def test_a_process_that_cannot_be_is_refused(rank: int, world: int) -> None:
    with pytest.raises(UsageError, match=f"no process {rank} among {world}"):
        Processes(rank, world)


def agree_in_a_process(rank: int, rendezvous: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=rendezvous, rank=rank, world_size=2, timeout=timedelta(minutes=2)
    )
    processes, own = Processes(rank, 2), torch.tensor([rank + 1.0, 10.0 - rank])
    assert processes.agree(own).tolist() == [3.0, 19.0]
    assert processes.agree(own, "largest").tolist() == [2.0, 10.0]
    assert processes.agree(own, "first").tolist() == [1.0, 10.0]
    assert own.tolist() == [rank + 1.0, 10.0 - rank]
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch comes without gloo")
def test_two_processes_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    rendezvous = f"file://{tmp_path / 'rendezvous'}"  # no port that another process might hold
    both = [context.Process(target=agree_in_a_process, args=(rank, rendezvous)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
