"""convscope, as a user has it: the command `convscope train`, with its defaults.

- mnist: `convscope train mnist --network two-conv`. There is no looking at the test images to stop on: the
  whole training counts, its validations too, and a run that ends below the goal has not arrived.
- vgg12-step: seconds from update to update in `convscope train mnist --network vgg12`, at Adam and batches
  of 100.
- cifar10: `convscope train`, on small-resnet and as many epochs as the others; `--variant default` leaves
  the network and the length to convscope.
- vgg16: forward as evaluation and prediction go, forward and backward as training does.
- photos: `convscope train kittencat.zip --folds 5`. Its seconds include the sixth fit, on all photos, whose
  classifier it keeps.
"""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from protocol import GOAL, StepTimes, Task, answer, judge, median_seconds, seconds_from_start


def command(task: Task, data: str, *flags: str) -> dict[str, Any]:
    """`convscope train`: its summary."""
    words = [Path(sys.executable).with_name("convscope"), "train", data, *flags, "--json"]
    words += [
        "--seed",
        str(task.seed),
        "--threads",
        str(task.threads),
        "--runs",
        task.scratch,
        "--name",
        "run",
    ]
    return json.loads(subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, check=True).stdout)


def mnist(task: Task) -> dict[str, Any]:
    summary = command(task, "mnist", "--network", "two-conv", *(["--steps", "2"] if task.quick else []))
    accuracy = summary["test"]["accuracy"]["value"]
    arrived = accuracy >= GOAL
    return {
        "seconds_of_training": summary["seconds"]["train"] if arrived else None,
        "seconds_from_start": seconds_from_start() if arrived else None,
        "accuracy": accuracy,
        "arrived": arrived,
        "steps": summary["steps"],
    }


def vgg12_step(task: Task) -> dict[str, Any]:
    from convscope.cli.process import tune_process

    tune_process()  # as the command does, before torch loads
    from torch.optim.optimizer import register_optimizer_step_post_hook

    import convscope as cs

    clock = StepTimes(task)
    register_optimizer_step_post_hook(lambda *_: stop_when(clock.after_step()))
    settings: dict[str, Any] = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 100, "epochs": 1}
    with contextlib.suppress(EnoughError):
        cs.train("mnist", network="vgg12", runs=task.scratch, threads=task.threads, **settings)
    return clock.figures()


class EnoughError(Exception):
    """Ends a training that was only watched."""


def stop_when(enough: bool) -> None:
    if enough:
        raise EnoughError


def cifar10(task: Task) -> dict[str, Any]:
    flags = [] if task.variant == "default" else ["--network", "small-resnet", "--epochs", str(task.epochs)]
    if task.quick:
        flags = ["--network", "small-resnet", "--steps", "3"]
    summary = command(task, str(task.data / "cifar10"), *flags)
    return {"accuracy": summary["test"]["accuracy"]["value"], "network": summary["network"]}


def vgg16(task: Task) -> dict[str, Any]:
    from convscope.cli.process import tune_process

    tune_process()
    import torch

    from convscope.classifier.logits import compute_logits
    from convscope.config.asked import NetworkConfig
    from convscope.data.preprocessing import Preprocessing
    from convscope.networks.build import build_network
    from convscope.training.device import choose_precision

    network = build_network(
        NetworkConfig(name="vgg16"), in_channels=3, image_size=(224, 224), num_classes=1000, seed=task.seed
    ).to(memory_format=torch.channels_last)
    pixels = torch.randint(0, 256, (8, 3, 224, 224), dtype=torch.uint8)
    images = (0.1 * torch.randn(8, 3, 224, 224)).to(memory_format=torch.channels_last)
    preprocessing = Preprocessing(224, 224, 3, "crop", torch.full((3, 1, 1), 0.5), torch.ones(3, 1, 1))
    precision = choose_precision("auto", torch.device("cpu"), network)

    def forward_backward() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            outputs = network(images)
        (outputs.float().square().sum() / 2).backward()

    network.eval()
    forward = median_seconds(lambda: compute_logits(network, preprocessing, pixels), task)
    both = median_seconds(forward_backward, task, times=6)
    return {
        "forward_ms": 1000 * forward / 8,
        "forward_backward_ms": 1000 * both / 8,
        "precision": f"forward float32, forward and backward {precision}".replace("torch.", ""),
    }


def photos(task: Task) -> dict[str, Any]:
    archive = str(task.data / "photos" / "kittencat.zip")
    command(task, archive, "--folds", "5", *(["--frozen"] if task.quick else []))
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.scratch / "run" / "folds").iterdir()):
        some, truth = held_out(fold)
        probabilities += some
        labels += truth
    return judge(probabilities, labels)


def held_out(fold: Path) -> tuple[list[Any], list[int]]:
    """Probabilities and labels of the images that a fold's classifier had not seen."""
    import torch

    from convscope.evaluation.predictions import read_predictions
    from convscope.runs.folder import Run

    found = read_predictions(Run(fold), "test")
    return torch.as_tensor(found.logits).softmax(1).tolist(), [int(label) for label in found.labels]


if __name__ == "__main__":
    answer({"mnist": mnist, "vgg12-step": vgg12_step, "cifar10": cifar10, "vgg16": vgg16, "photos": photos})
