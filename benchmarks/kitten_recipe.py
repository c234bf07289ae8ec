"""How good fine-tuning is on a small photo set, by repeated stratified cross-validation.

    python benchmarks/kitten_recipe.py kittencat.zip --repeats 5
    python benchmarks/kitten_recipe.py photos/ --repeats 1 --per-class 100 --set epochs=12

Every fit starts from the pretrained weights and sees its own training folds only; nothing is selected on the
fold it is measured on. Beside the fine-tuned network stands what it started from: the exact linear head on
frozen features. Seconds are of the process (all threads added up) and of the clock.
"""

import argparse
import dataclasses
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.model_selection import RepeatedStratifiedKFold
from torch import Tensor, nn

from convscope.classifier.logits import compute_logits
from convscope.config.asked import DataConfig
from convscope.data.augmentation import Augmentation
from convscope.data.batches import derive_seed, epoch_batches, steps_per_epoch
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import Preprocessing
from convscope.networks.pretrained import build_pretrained, input_normalisation
from convscope.training.fine_tuning.stages import (
    FineTuning,
    freeze_early_stages,
    rate_scales,
    set_training_mode,
    soften_head,
    start_from_fitted_head,
)
from convscope.training.updating.optimizers import build_optimizer, set_learning_rate
from convscope.training.updating.schedules import learning_rate_factor


@dataclass(frozen=True)
class Photos:
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    preprocessing: Preprocessing


@dataclass(frozen=True)
class Fit:
    linear: float
    tuned: float
    mirrored: float
    loss: float
    cpu_seconds: float
    seconds: float


def main() -> None:
    options = parse()
    settings = changed(FineTuning(), options.set)
    torch.set_num_threads(options.threads)
    photos = read_photos(options.source, settings, options.network, options.per_class)
    print(
        f"{len(photos.labels)} photos, {len(photos.class_names)} classes; "
        f"{options.threads} threads; {settings}"
    )
    folds = RepeatedStratifiedKFold(
        n_splits=options.folds, n_repeats=options.repeats, random_state=options.seed
    )
    fits: list[Fit] = []
    splits = folds.split(np.zeros(len(photos.labels)), photos.labels.numpy())
    for number, (train, test) in enumerate(splits):
        rows = torch.from_numpy(train), torch.from_numpy(test)
        fits.append(fit(photos, *rows, settings, options.network, options.seed * 1000 + number))
        print(number, dataclasses.asdict(fits[-1]), flush=True)
        if len(fits) == options.stop:
            break
    for name in ("linear", "tuned", "mirrored", "loss", "cpu_seconds", "seconds"):
        values = np.array([getattr(each, name) for each in fits])
        print(f"{name:12} {values.mean():.4f} ± {values.std(ddof=1):.4f}  over {len(values)} fits")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--network", default="pretrained")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--stop", type=int, help="after this many fits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--per-class", type=int, help="take only the first so many photos of each class")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    return parser.parse_args()


def changed(settings: FineTuning, assignments: list[str]) -> FineTuning:
    values: dict[str, object] = {}
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        kind = type(getattr(settings, name))
        values[name] = text == "True" if kind is bool else kind(text)
    return dataclasses.replace(settings, **values)


def read_photos(source: str, settings: FineTuning, network: str, per_class: int | None) -> Photos:
    size = (settings.image_size, settings.image_size)
    dataset = load_dataset(DataConfig(source=source), size=size, channels=3, fit=settings.fit, seed=0)
    parts = list(dataset.splits.values())
    order = np.argsort([name for part in parts for name in part.ids])
    images = torch.cat([part.images.all() for part in parts])[order]
    labels = torch.cat([part.labels for part in parts])[order]
    if per_class is not None:
        rows = [(labels == index).nonzero()[:per_class, 0] for index in range(len(dataset.class_names))]
        images, labels = images[torch.cat(rows)], labels[torch.cat(rows)]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in input_normalisation(network))
    preprocessing = Preprocessing(*size, 3, settings.fit, mean, std)
    return Photos(images, labels, dataset.class_names, preprocessing)


def fit(photos: Photos, train: Tensor, test: Tensor, settings: FineTuning, name: str, seed: int) -> Fit:
    clock, cpu = time.perf_counter(), time.process_time()
    num_classes = len(photos.class_names)
    network = build_pretrained(name, num_classes=num_classes, seed=seed, dropout=settings.dropout)
    network = network.to(memory_format=torch.channels_last)
    start_from_fitted_head(
        network, photos.preprocessing, photos.images[train], photos.labels[train], num_classes=num_classes
    )
    linear = accuracy(network, photos, test)
    soften_head(network, settings.head_scale)
    freeze_early_stages(network, settings.frozen_share)
    tune(network, photos, train, settings, seed)
    cpu_seconds, seconds = time.process_time() - cpu, time.perf_counter() - clock
    logits = compute_logits(network, photos.preprocessing, photos.images[test])
    mirror = compute_logits(network, photos.preprocessing, photos.images[test].flip(-1))
    labels = photos.labels[test]
    return Fit(
        linear=linear,
        tuned=share(logits, labels),
        mirrored=share(logits.softmax(1) + mirror.softmax(1), labels),
        loss=F.cross_entropy(logits, labels).item(),
        cpu_seconds=cpu_seconds,
        seconds=seconds,
    )


def tune(network: nn.Module, photos: Photos, train: Tensor, settings: FineTuning, seed: int) -> None:
    optimizer = build_optimizer(
        network,
        settings.optimizer,
        weight_decay=settings.weight_decay,
        momentum=0.9,
        rate_scales=rate_scales(network, settings.rate_decay),
    )
    augmentation = Augmentation.from_text(settings.augmentation)
    per_epoch = steps_per_epoch(len(train), settings.batch_size)
    total = settings.epochs * per_epoch
    for step in range(total):
        epoch, position = divmod(step, per_epoch)
        batch = train[epoch_batches(len(train), settings.batch_size, seed=seed, epoch=epoch)[position]]
        images, labels = augmentation.apply(
            photos.images[batch],
            photos.labels[batch],
            num_classes=len(photos.class_names),
            seed=seed,
            step=step,
        )
        torch.manual_seed(derive_seed(seed, "step", step))
        set_training_mode(network, frozen_statistics=settings.frozen_statistics)
        logits = network(photos.preprocessing.standardise(images, in_place=True))
        loss = F.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        factor = learning_rate_factor(settings.schedule, step, total, settings.warmup)
        set_learning_rate(optimizer, settings.learning_rate * factor)
        optimizer.step()


def accuracy(network: nn.Module, photos: Photos, rows: Tensor) -> float:
    return share(compute_logits(network, photos.preprocessing, photos.images[rows]), photos.labels[rows])


def share(scores: Tensor, labels: Tensor) -> float:
    return (scores.argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()
