"""PyTorch Lightning, as its documentation writes it.

- mnist: "Lightning in 15 minutes" (Adam at 1e-3) on the data module of the tutorial "PyTorch Lightning
  basics: MNIST" (normalised, batches of 64 on a CPU). That tutorial's own rate, 2e-4, suits its smaller
  network and would be slower here.
- cifar10: the tutorial "PyTorch Lightning CIFAR10 ~94% baseline": SGD, one cycle to 0.1, weight decay 5e-4,
  batches of 64 on a CPU.
- photos: the page "Transfer learning": the backbone is a frozen feature extractor, Adam at 1e-3 fits the
  head.

The Trainer runs with its defaults, but keeps no files: logger and checkpoints are off, to its advantage.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import lightning as L  # noqa: N812 (the name that its documentation gives it)
import torch
import torch.nn.functional as F
from protocol import StepTimes, Task, TimeToGoal, answer, judge
from pytorch_tutorial import CIFAR_MEAN, CIFAR_STD, MNIST_MEAN, MNIST_STD, accuracy, predict
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from torch_networks import small_resnet, two_conv, vgg12
from torchvision import datasets, transforms

TO_TENSOR = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MNIST_MEAN, MNIST_STD)])


class LitClassifier(L.LightningModule):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        loss = F.cross_entropy(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class LitResnet(LitClassifier):
    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
        steps = int(self.trainer.estimated_stepping_batches)
        return [optimizer], [{"scheduler": OneCycleLR(optimizer, 0.1, total_steps=steps), "interval": "step"}]


class LitHead(LitClassifier):
    """A frozen backbone, in evaluation mode, and a head that learns."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        network.requires_grad_(False)
        network.get_classifier().requires_grad_(True)

    def on_train_epoch_start(self) -> None:
        self.network.eval()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.network.get_classifier().parameters(), lr=1e-3)


class StopWhen(L.Callback):
    def __init__(self, after_step: Callable[[], bool]) -> None:
        self.after_step = after_step

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        trainer.should_stop = self.after_step()


def trainer(task: Task, **options: Any) -> L.Trainer:
    return L.Trainer(default_root_dir=task.scratch, logger=False, enable_checkpointing=False, **options)


def mnist(task: Task) -> dict[str, Any]:
    L.seed_everything(task.seed)
    train = DataLoader(datasets.MNIST(task.data, transform=TO_TENSOR), batch_size=64, shuffle=True)
    test = datasets.MNIST(task.data, train=False, transform=TO_TENSOR)
    test_batches = cache(lambda: list(DataLoader(test, batch_size=1000)))  # read at the first look
    model = LitClassifier(two_conv())
    clock = TimeToGoal(task, lambda: accuracy(model.network, test_batches()))
    trainer(task, max_epochs=-1, callbacks=[StopWhen(clock.after_step)]).fit(model, train)
    return clock.figures()


def vgg12_step(task: Task) -> dict[str, Any]:
    to_tensor = transforms.Compose([transforms.Pad(2), transforms.ToTensor()])
    train = DataLoader(datasets.MNIST(task.data, transform=to_tensor), batch_size=100, shuffle=True)
    clock = StepTimes(task)
    trainer(task, max_epochs=-1, callbacks=[StopWhen(clock.after_step)]).fit(LitClassifier(vgg12()), train)
    return clock.figures()


def cifar10(task: Task) -> dict[str, Any]:
    L.seed_everything(task.seed)
    plain = [transforms.ToTensor(), transforms.Normalize(CIFAR_MEAN, CIFAR_STD)]
    varied = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *plain]
    train, test = (
        datasets.ImageFolder(str(task.data / "cifar10" / split), transforms.Compose(steps))
        for split, steps in (("train", varied), ("test", plain))
    )
    batches = DataLoader(train, batch_size=64, shuffle=True, num_workers=2, drop_last=True)
    model = LitResnet(small_resnet())
    length = {"max_steps": 3} if task.quick else {"max_epochs": task.epochs}
    trainer(task, **length).fit(model, batches)
    return {"accuracy": accuracy(model.network, DataLoader(test, batch_size=500, num_workers=2))}


def photos(task: Task) -> dict[str, Any]:
    from torch_lite0 import MEAN, STD, lite0

    L.seed_everything(task.seed)
    normalise = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    varied = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), *normalise]
    middle = [transforms.Resize(256), transforms.CenterCrop(224), *normalise]
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.data / "photos").glob("fold-*")):
        train = datasets.ImageFolder(str(fold / "train"), transforms.Compose(varied))
        test = datasets.ImageFolder(str(fold / "test"), transforms.Compose(middle))
        model = LitHead(lite0(num_classes=2))
        length = {"max_steps": 2} if task.quick else {"max_epochs": 10}
        trainer(task, **length).fit(model, DataLoader(train, batch_size=32, shuffle=True, num_workers=2))
        for images, truth in DataLoader(test, batch_size=32):
            probabilities += predict(model.network, images).tolist()
            labels += truth.tolist()
    return judge(probabilities, labels)


if __name__ == "__main__":
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "photos": photos})
