"""PyTorch with what its Performance Tuning Guide and its users know for a CPU.

Images decoded once and kept in memory, batches cut from one tensor, augmentation on whole batches; channels
last, bfloat16 autocast, a fused optimizer. The rate of `mnist` is tuned too. Recipes are otherwise those of
pytorch_tutorial.py.

- `--variant compiled`: torch.compile as well.
- `--variant kept-heap`: the guide advises another allocator (jemalloc, TCMalloc), so that memory that one
  step frees is not fetched from the kernel anew by the next. glibc's own can be told the same.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from protocol import StepTimes, Task, TimeToGoal, answer, median_seconds
from pytorch_tutorial import CIFAR_MEAN, CIFAR_STD
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from torch_networks import small_resnet, two_conv, vgg12
from torchvision import datasets, transforms
from torchvision.models import vgg16 as torchvision_vgg16

MNIST_BATCH, MNIST_RATE = 64, 1e-3
"""The best of six pairs, from (64, 1e-3) to (256, 4e-3), in the median of three seeds."""


def mnist(task: Task) -> dict[str, Any]:
    images, labels = mnist_tensors(task, train=True)
    test_images, test_labels = mnist_tensors(task, train=False)
    torch.manual_seed(task.seed)
    network = two_conv()
    optimizer = torch.optim.Adam(network.parameters(), lr=MNIST_RATE, fused=True)
    clock = TimeToGoal(task, lambda: accuracy(network, test_images, test_labels))
    fit(task, network, optimizer, lambda: shuffled(images, labels, MNIST_BATCH), clock.after_step)
    return clock.figures()


def vgg12_step(task: Task) -> dict[str, Any]:
    images, labels = mnist_tensors(task, train=True)
    images = F.pad(images, (2, 2, 2, 2))
    network, clock = vgg12(), StepTimes(task)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    fit(task, network, optimizer, lambda: shuffled(images, labels, 100), clock.after_step)
    return clock.figures()


def cifar10(task: Task) -> dict[str, Any]:
    images, labels = cifar_tensors(task, "train")
    test_images, test_labels = cifar_tensors(task, "test")
    torch.manual_seed(task.seed)
    network = small_resnet()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, fused=True)
    steps = 3 if task.quick else task.epochs * (len(images) // 64)
    scheduler = OneCycleLR(optimizer, 0.1, total_steps=steps)

    def after_step() -> bool:
        scheduler.step()
        return scheduler.last_epoch >= steps - 1

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for batch, truth in shuffled(images, labels, 64):
            yield crop_and_flip(batch), truth

    fit(task, network, optimizer, batches, after_step)
    return {"accuracy": accuracy(network, test_images, test_labels)}


def vgg16(task: Task) -> dict[str, Any]:
    images = (0.1 * torch.randn(8, 3, 224, 224)).to(memory_format=torch.channels_last)
    plain = torchvision_vgg16().eval().to(memory_format=torch.channels_last)
    network = compiled(task, plain)

    def forward() -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return network(images)

    def forward_backward() -> None:
        plain.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images)
        (logits.float().square().sum() / 2).backward()

    return {
        "forward_ms": 1000 * median_seconds(forward, task) / len(images),
        "forward_backward_ms": 1000 * median_seconds(forward_backward, task, times=6) / len(images),
    }


def fit(
    task: Task,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[], Any],
    after_step: Callable[[], bool],
) -> None:
    network.to(memory_format=torch.channels_last).train()
    forward = compiled(task, network)
    while True:
        for images, labels in batches():
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(forward(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if after_step():
                return


def compiled(task: Task, network: nn.Module) -> Callable[[Tensor], Tensor]:
    return torch.compile(network) if task.variant == "compiled" else network


def shuffled(images: Tensor, labels: Tensor, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches of an epoch, in another order each time; images in channels last."""
    for rows in torch.randperm(len(images)).split(batch_size):
        if len(rows) == batch_size:
            yield images[rows].contiguous(memory_format=torch.channels_last), labels[rows]


def crop_and_flip(images: Tensor) -> Tensor:
    """Another place for each image in a border of 4 zeros, and every second one mirrored."""
    count, _, height, width = images.shape
    padded = F.pad(images, (4, 4, 4, 4))
    rows = torch.randint(0, 9, (count, 1)) + torch.arange(height)
    columns = torch.randint(0, 9, (count, 1)) + torch.arange(width)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns, columns.flip(1))
    numbers = torch.arange(count)[:, None, None]
    cut = padded.permute(0, 2, 3, 1)[numbers, rows[:, :, None], columns[:, None, :]]
    return cut.permute(0, 3, 1, 2)


def mnist_tensors(task: Task, train: bool) -> tuple[Tensor, Tensor]:
    data = datasets.MNIST(task.data, train=train)
    return (data.data[:, None].float() / 255 - 0.1307) / 0.3081, data.targets


def cifar_tensors(task: Task, split: str) -> tuple[Tensor, Tensor]:
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(CIFAR_MEAN, CIFAR_STD)])
    folder = datasets.ImageFolder(str(task.data / "cifar10" / split), to_tensor)
    images, labels = zip(*DataLoader(folder, batch_size=500, num_workers=2), strict=True)
    return torch.cat(images), torch.cat(labels)


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network.eval()
    with torch.inference_mode():
        right = sum(
            int((network(some.contiguous(memory_format=torch.channels_last)).argmax(1) == truth).sum())
            for some, truth in zip(images.split(500), labels.split(500), strict=True)
        )
    network.train()
    return right / len(labels)


def keep_freed_memory() -> None:
    """glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, as high as they go."""
    allocator = ctypes.CDLL(None)
    allocator.mallopt(-3, 2**30)
    allocator.mallopt(-1, 2**31 - 1)


def main() -> None:
    if "kept-heap" in sys.argv:
        keep_freed_memory()
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "vgg16": vgg16})


if __name__ == "__main__":
    main()
