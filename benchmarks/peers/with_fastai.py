"""fastai, as its documentation writes it.

- mnist, vgg12-step: "Pure PyTorch to fastai": PyTorch's loaders (batches of 256) in a Learner, fastai's
  Adam, fit_one_cycle of one epoch to 1e-2; then another, until the goal is reached.
- cifar10: fastai's CIFAR-10 example: random crops after padding, flips, fit_one_cycle to 3e-3, weight decay
  0.4.
- photos: the tutorial "Computer vision intro": ImageDataLoaders, Resize(224), aug_transforms,
  vision_learner and fine_tune with their defaults; as many epochs as convscope's fine-tuning takes, 8.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastai.vision.all import (
    Adam,
    Callback,
    CancelFitException,
    CropPad,
    DataLoaders,
    FlipItem,
    ImageDataLoaders,
    Learner,
    Normalize,
    RandomCrop,
    Resize,
    aug_transforms,
    set_seed,
    vision_learner,
)
from fastai.vision.all import accuracy as accuracy_metric
from protocol import StepTimes, Task, TimeToGoal, answer, judge
from pytorch_tutorial import CIFAR_MEAN, CIFAR_STD, MNIST_MEAN, MNIST_STD, accuracy
from torch import nn
from torch.utils.data import DataLoader
from torch_networks import small_resnet, two_conv, vgg12
from torchvision import datasets, transforms

MOST_CYCLES = 20


class StopWhen(Callback):
    def __init__(self, after_step: Callable[[], bool]) -> None:
        self.after_the_step, self.stopped = after_step, False

    def after_batch(self) -> None:
        if self.training and self.after_the_step():
            self.stopped = True
            raise CancelFitException


def mnist(task: Task) -> dict[str, Any]:
    set_seed(task.seed)
    to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MNIST_MEAN, MNIST_STD)])
    network = two_conv()
    test = datasets.MNIST(task.data, train=False, transform=to_tensor)
    test_batches = cache(lambda: list(DataLoader(test, batch_size=512)))  # read at the first look
    clock = TimeToGoal(task, lambda: accuracy(network, test_batches()))
    train = DataLoader(datasets.MNIST(task.data, transform=to_tensor), batch_size=256, shuffle=True)
    fit(network, train, clock.after_step)
    return clock.figures()


def vgg12_step(task: Task) -> dict[str, Any]:
    to_tensor = transforms.Compose([transforms.Pad(2), transforms.ToTensor()])
    clock = StepTimes(task)
    train = DataLoader(datasets.MNIST(task.data, transform=to_tensor), batch_size=100, shuffle=True)
    fit(vgg12(), train, clock.after_step)
    return clock.figures()


def fit(network: nn.Module, train: DataLoader[Any], after_step: Callable[[], bool]) -> None:
    """One cycle an epoch, until after a step somebody says that it is enough; nothing is validated."""
    stop = StopWhen(after_step)
    data = DataLoaders(train, [])
    learner = Learner(data, network, loss_func=nn.functional.cross_entropy, opt_func=Adam, cbs=stop)
    for _ in range(MOST_CYCLES):
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(1, 1e-2)
        if stop.stopped:
            return


def cifar10(task: Task) -> dict[str, Any]:
    set_seed(task.seed)
    data = ImageDataLoaders.from_folder(
        task.data / "cifar10",
        valid="test",
        item_tfms=[CropPad(40), RandomCrop(32), FlipItem(0.5)],
        batch_tfms=Normalize.from_stats(CIFAR_MEAN, CIFAR_STD),
        bs=64,
        num_workers=2,
    )
    stop = StopWhen(lambda: task.quick)
    learner = Learner(data, small_resnet(), metrics=accuracy_metric, cbs=stop)
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(task.epochs, 3e-3, wd=0.4)
        return {"accuracy": float(learner.validate()[1])}


def photos(task: Task) -> dict[str, Any]:
    from torch_lite0 import EPSILON, MEAN, NAME, STD, load_backbone

    set_seed(task.seed)
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.data / "photos").glob("fold-*")):
        data = ImageDataLoaders.from_folder(
            fold,
            valid="test",
            item_tfms=Resize(224),
            batch_tfms=[*aug_transforms(), Normalize.from_stats(MEAN, STD)],
            num_workers=2,
        )
        learner = vision_learner(
            data, NAME, metrics=accuracy_metric, pretrained=False, normalize=False, bn_eps=EPSILON
        )
        load_backbone(learner.model[0].model)
        stop = StopWhen(lambda: task.quick)
        with learner.no_bar(), learner.no_logging():
            learner.fine_tune(8, cbs=stop)
            scores, truth = learner.get_preds()
        probabilities += scores.tolist()
        labels += truth.tolist()
    return judge(probabilities, labels)


if __name__ == "__main__":
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "photos": photos})
