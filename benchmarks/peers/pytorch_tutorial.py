"""Plain PyTorch, as its own examples and tutorials write it.

- mnist: github.com/pytorch/examples, mnist/main.py: Adadelta at 1.0, times 0.7 after each epoch, batches of
  64.
- cifar10: the tutorial "Training a classifier" in its loop and loaders. Its four images a batch and its
  rate of 0.001 would be a straw man, so the rest is that of Lightning's CIFAR-10 tutorial: SGD, one cycle
  to 0.1, weight decay 5e-4, random crops and flips, batches of 64 on a CPU.
- photos: the tutorial "Transfer learning for computer vision": SGD at 0.001, momentum 0.9, times 0.1 after
  every 7 of 25 epochs, batches of 4; Lite0 for its ResNet-18, whose weights it would download.
- vgg16: torchvision.models.vgg16.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from protocol import StepTimes, Task, TimeToGoal, answer, judge, median_seconds
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR, StepLR
from torch.utils.data import DataLoader
from torch_networks import small_resnet, two_conv, vgg12
from torchvision import datasets, transforms
from torchvision.models import vgg16 as torchvision_vgg16

MNIST_MEAN, MNIST_STD = (0.1307,), (0.3081,)
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def mnist(task: Task) -> dict[str, Any]:
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MNIST_MEAN, MNIST_STD)])
    train = DataLoader(datasets.MNIST(task.data, transform=to_tensor), batch_size=64, shuffle=True)
    test = datasets.MNIST(task.data, train=False, transform=to_tensor)
    test_batches = cache(lambda: list(DataLoader(test, batch_size=1000)))  # read at the first look
    torch.manual_seed(task.seed)
    network = two_conv()
    optimizer = torch.optim.Adadelta(network.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    clock = TimeToGoal(task, lambda: accuracy(network, test_batches()))
    fit(network, lambda: train, optimizer, clock.after_step, after_epoch=scheduler.step)
    return clock.figures()


def vgg12_step(task: Task) -> dict[str, Any]:
    to_tensor = transforms.Compose([transforms.Pad(2), transforms.ToTensor()])
    train = DataLoader(datasets.MNIST(task.data, transform=to_tensor), batch_size=100, shuffle=True)
    network, clock = vgg12(), StepTimes(task)
    fit(network, lambda: train, torch.optim.Adam(network.parameters(), lr=1e-3), clock.after_step)
    return clock.figures()


def cifar10(task: Task) -> dict[str, Any]:
    plain = [transforms.ToTensor(), transforms.Normalize(CIFAR_MEAN, CIFAR_STD)]
    varied = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *plain]
    train, test = (
        datasets.ImageFolder(str(task.data / "cifar10" / split), transforms.Compose(steps))
        for split, steps in (("train", varied), ("test", plain))
    )
    batches = DataLoader(train, batch_size=64, shuffle=True, num_workers=2, drop_last=True)
    torch.manual_seed(task.seed)
    network, epochs = small_resnet(), task.epochs
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    scheduler = OneCycleLR(optimizer, 0.1, epochs=epochs, steps_per_epoch=len(batches))
    steps_left = 3 if task.quick else epochs * len(batches)

    def after_step() -> bool:
        nonlocal steps_left
        scheduler.step()
        steps_left -= 1
        return steps_left == 0

    fit(network, lambda: batches, optimizer, after_step)
    return {"accuracy": accuracy(network, DataLoader(test, batch_size=500, num_workers=2))}


def vgg16(task: Task) -> dict[str, Any]:
    images = 0.1 * torch.randn(8, 3, 224, 224)
    network = torchvision_vgg16().eval()

    def forward_backward() -> None:
        network.zero_grad()
        (network(images).square().sum() / 2).backward()

    with torch.inference_mode():
        forward = median_seconds(lambda: network(images), task)
    return {
        "forward_ms": 1000 * forward / len(images),
        "forward_backward_ms": 1000 * median_seconds(forward_backward, task, times=6) / len(images),
    }


def photos(task: Task) -> dict[str, Any]:
    from torch_lite0 import MEAN, STD, lite0

    plain = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    varied = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), *plain]
    middle = [transforms.Resize(256), transforms.CenterCrop(224), *plain]
    probabilities: list[Any] = []
    labels: list[int] = []
    torch.manual_seed(task.seed)
    for fold in sorted((task.data / "photos").glob("fold-*")):
        train = datasets.ImageFolder(str(fold / "train"), transforms.Compose(varied))
        test = datasets.ImageFolder(str(fold / "test"), transforms.Compose(middle))
        batches = DataLoader(train, batch_size=4, shuffle=True, num_workers=2)
        network = lite0(num_classes=2)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
        scheduler = StepLR(optimizer, step_size=7, gamma=0.1)
        for _ in range(1 if task.quick else 25):
            epoch(network, batches, optimizer, lambda: task.quick)
            scheduler.step()
        for images, truth in DataLoader(test, batch_size=32):
            probabilities += predict(network, images).tolist()
            labels += truth.tolist()
    return judge(probabilities, labels)


Batches = Callable[[], Any]
"""Gives an iterable of (images, labels) for each epoch."""


def fit(
    network: nn.Module,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    after_step: Callable[[], bool],
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Epochs, until after a step somebody says that it is enough."""
    while not epoch(network, batches(), optimizer, after_step):
        after_epoch()


def epoch(
    network: nn.Module, batches: Any, optimizer: torch.optim.Optimizer, after_step: Callable[[], bool]
) -> bool:
    network.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        if after_step():
            return True
    return False


def predict(network: nn.Module, images: Tensor) -> Tensor:
    network.eval()
    with torch.no_grad():
        return network(images).softmax(1)


def accuracy(network: nn.Module, batches: Any) -> float:
    right = count = 0
    for images, labels in batches:
        right += int((predict(network, images).argmax(1) == labels).sum())
        count += len(labels)
    network.train()
    return right / count


def main() -> None:
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "vgg16": vgg16, "photos": photos})


if __name__ == "__main__":
    main()
