"""What a plain timm recipe gets on each folder, on the folds that `photo_folders.py` trained on.

    python benchmarks/photo_folders.py a.zip b.zip --work scratch/
    python benchmarks/photo_timm.py a.zip b.zip --work scratch/ --epochs 10

The backbone is the same EfficientNet-Lite0. Everything else is timm's: its transforms for training (random
resized crops of 224 px, flips, colour jitter) and for validation, AdamW by `create_optimizer_v2` without
decay on biases, and its cosine schedule with a warm-up by epoch. Nothing is chosen by held-out images: the
last epoch is judged. Folds that `--work` holds already are not trained again; `photo_folders.py`, asked
again, has a row for them.
"""

import argparse
import io
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data.transforms_factory import create_transform
from timm.optim._optim_factory import create_optimizer_v2
from timm.scheduler.scheduler_factory import create_scheduler_v2
from torch import nn
from torch.utils.data import DataLoader, Dataset

from convscope.evaluation.predictions import Predictions, read_predictions
from convscope.networks.pretrained import LITE0_NORMALISATION, build_pretrained
from convscope.runs.folder import Run

SIZE = 224
BATCH_SIZE = 16
LEARNING_RATE = 3e-4
WARMUP_EPOCHS = 2


class Photos(Dataset[tuple[torch.Tensor, int]]):
    """Decoded once; cut and changed anew each time."""

    def __init__(
        self, files: zipfile.ZipFile, ids: tuple[str, ...], labels: NDArray[np.int64], *, training: bool
    ) -> None:
        mean, std = LITE0_NORMALISATION
        self.transform = create_transform(SIZE, is_training=training, mean=mean, std=std)
        self.labels = labels.tolist()
        names = files.namelist()
        named = {name.partition("/")[2]: name for name in names} | {name: name for name in names}
        self.photos = [Image.open(io.BytesIO(files.read(named[each]))).convert("RGB") for each in ids]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.photos[index]), self.labels[index]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archives", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where photo_folders.py left its runs")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", metavar="FOLD", help="these folds, the first is 1")
    options = parser.parse_args()
    print(f"timm {timm.__version__}, torch {torch.__version__}, {options.epochs} epochs")
    torch.set_num_threads(options.threads)
    for archive in options.archives:
        run = Run.open(options.work / f"{archive.stem}-default")
        folds = [read_predictions(Run(path), "test") for path in sorted((run.path / "folds").iterdir())]
        measure(archive, folds, options.only or range(1, len(folds) + 1), options.epochs, options.work)


def measure(archive: Path, folds: list[Predictions], only: Iterable[int], epochs: int, work: Path) -> None:
    """What a network that was trained on the other folds says of each of these; kept one by one."""
    with zipfile.ZipFile(archive) as files:
        for number in only:
            kept = work / f"{archive.stem}-timm-{number}.npz"
            if kept.exists():
                continue
            index, test = number - 1, folds[number - 1]
            begun = time.process_time()
            others = [one for at, one in enumerate(folds) if at != index]
            ids = tuple(name for one in others for name in one.ids)
            labels = np.concatenate([one.labels for one in others])
            torch.manual_seed(index)
            network = trained(Photos(files, ids, labels, training=True), epochs)
            logits = judged(network, Photos(files, test.ids, test.labels, training=False))
            seconds = time.process_time() - begun
            np.savez(kept, logits=logits, labels=test.labels, cpu_seconds=seconds, epochs=epochs)
            right = float((logits.argmax(1) == test.labels).mean())
            print(f"{archive.stem} fold {number}: {100 * right:.1f} %, {seconds:.0f} CPU s", flush=True)


def trained(photos: Photos, epochs: int) -> nn.Module:
    network = build_pretrained("efficientnet-lite0", num_classes=max(photos.labels) + 1, seed=0)
    network = network.to(memory_format=torch.channels_last)
    optimizer = create_optimizer_v2(network, opt="adamw", lr=LEARNING_RATE, weight_decay=0.05)
    schedule, _ = create_scheduler_v2(
        optimizer, sched="cosine", num_epochs=epochs, warmup_epochs=WARMUP_EPOCHS, warmup_lr=1e-6
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    batches = DataLoader(photos, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    for epoch in range(epochs):
        network.train()
        for images, labels in batches:
            optimizer.zero_grad()
            loss_of(network(images.contiguous(memory_format=torch.channels_last)), labels).backward()
            optimizer.step()
        schedule.step(epoch + 1)
    return network.eval()


@torch.inference_mode()
def judged(network: nn.Module, photos: Photos) -> NDArray[np.float32]:
    """Logits `(N, classes)`."""
    batches = DataLoader(photos, batch_size=64)
    return torch.cat([network(images) for images, _ in batches]).numpy()


if __name__ == "__main__":
    main()
