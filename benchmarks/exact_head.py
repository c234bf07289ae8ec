"""How long the exact head takes, beside scikit-learn's LogisticRegressionCV and the way before.

    python benchmarks/exact_head.py FOLDER               features of photos and of their mirror images
    python benchmarks/exact_head.py 1000x20              made-up features: images × classes
    python benchmarks/exact_head.py 10000x100 --alone    without the others, which take minutes

The same work by each, in turn: choose the L2 penalty of a linear head by five folds of the training images,
and fit it on all of them. A fifth of the images is kept from all, and gives the held-out loss. Before:
scikit-learn's L-BFGS in float64 over 11 strengths and five folds, on standardised features in their span.
LogisticRegressionCV has the same strengths and folds, on standardised features.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.preprocessing import Preprocessing
from convscope.networks.pretrained import build_pretrained, input_normalisation
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.head import compute_features

STRENGTHS = 10.0 ** (np.arange(4, -7, -1) / 2)
Fit = Callable[["Rows"], Callable[[Tensor], Tensor]]
"""From training rows to a function from features to logits."""


@dataclass(frozen=True)
class Rows:
    """Features `(D, N, F)` of D draws, and labels `(N,)`."""

    features: Tensor
    labels: Tensor

    def flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Float64 features, labels, and which image each row is a draw of."""
        draws, images = self.features.shape[:2]
        repeated = self.labels.repeat(draws).numpy()
        return self.features.flatten(0, 1).double().numpy(), repeated, np.tile(np.arange(images), draws)

    def of(self, kept: Tensor) -> "Rows":
        return Rows(self.features[:, kept], self.labels[kept])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ways: dict[str, Fit] = {"convscope": ours}
    if not options.alone:
        ways |= {"before": before, "LogisticRegressionCV": search}
    print("| features | way | seconds | CPU seconds | ratio of CPU seconds | held-out loss | right |")
    print("|---|---|---|---|---|---|---|")
    for what in options.what:
        compare(what, ways, options.rounds)


def compare(what: str, ways: dict[str, Fit], rounds: int) -> None:
    rows = photos(what) if Path(what).exists() else made_up(*map(int, what.split("x")))
    held_out = torch.zeros(len(rows.labels), dtype=torch.bool)
    held_out[rows.labels.argsort(stable=True)[::5]] = True
    train, test = rows.of(~held_out), rows.of(held_out)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    said: dict[str, str] = {}
    for _ in range(rounds):
        for name, fit in ways.items():
            clock, cpu = time.perf_counter(), time.process_time()
            logits = fit(train)
            seconds[name].append((time.perf_counter() - clock, time.process_time() - cpu))
            outputs = logits(test.features[0])
            right = (outputs.argmax(1) == test.labels).float().mean()
            said[name] = f"{F.cross_entropy(outputs, test.labels):.4f} | {100 * right:.1f} %"
    images, classes = len(train.labels), int(rows.labels.max()) + 1
    draws, _, columns = rows.features.shape
    label = f"{Path(what).name}: {images:,} × {draws} draws, {classes} classes, {columns:,} features"
    for name, taken in seconds.items():
        clock, cpu = (median(each[part] for each in taken) for part in (0, 1))
        ratio = median(each[1] / base[1] for each, base in zip(taken, seconds["convscope"], strict=True))
        print(f"| {label} | {name} | {clock:.1f} | {cpu:.1f} | {ratio:.1f} | {said[name]} |", flush=True)


def photos(source: str) -> Rows:
    dataset = load_dataset(DataConfig(source=source), size=(256, 256), channels=3, fit="squash", seed=0)
    train = dataset.all_for_training().train
    network = build_pretrained("pretrained", num_classes=len(dataset.class_names), seed=0)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in input_normalisation("pretrained"))
    preprocessing = Preprocessing(256, 256, 3, "squash", mean, std)
    draws = [
        compute_features(network, preprocessing, images) for images in (train.images, train.images.mirror())
    ]
    return Rows(torch.stack(draws), train.labels)


def made_up(images: int, classes: int, columns: int = 1280) -> Rows:
    """Classes that overlap, in directions of very different variance, as those of a backbone have."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(images * 5 // 4) % classes
    turn = torch.randn(columns, columns, generator=generator) * torch.arange(1, columns + 1) ** -0.5
    centres = 0.15 * torch.randn(classes, columns, generator=generator)
    own, draw = (torch.randn(count, len(labels), columns, generator=generator) for count in (1, 2))
    return Rows(((centres[labels] + 0.7 * own + 0.5 * draw) @ turn).relu(), labels)


def ours(rows: Rows) -> Callable[[Tensor], Tensor]:
    head = fit_head(rows.features, rows.labels, num_classes=int(rows.labels.max()) + 1)
    return lambda features: features @ head.weight.T + head.bias


def before(rows: Rows) -> Callable[[Tensor], Tensor]:
    features, labels, image = rows.flat()
    losses = np.zeros(len(STRENGTHS))
    order = np.argsort(rows.labels.numpy(), kind="stable")
    order = order[:: -(-len(order) // 2000)]
    for fold in range(5):
        out = np.isin(image, order[fold::5])
        inside = np.isin(image, np.delete(order, np.s_[fold::5]))
        scaler = StandardScaler().fit(features[inside])
        coordinates, basis = in_their_span(scaler.transform(features[inside]))
        unseen = scaler.transform(features[out]) @ basis
        model = LogisticRegression(max_iter=1000, tol=1e-4, warm_start=True)
        for index, strength in enumerate(STRENGTHS):
            fit_quietly(model.set_params(C=1 / (strength * inside.sum())), coordinates, labels[inside])
            losses[index] -= model.predict_log_proba(unseen)[np.arange(out.sum()), labels[out]].mean()
    scaler = StandardScaler().fit(features)
    coordinates, basis = in_their_span(scaler.transform(features))
    strength = STRENGTHS[losses.argmin()]
    model = LogisticRegression(max_iter=1000, tol=1e-6, C=1 / (strength * len(labels)))
    fit_quietly(model, coordinates, labels)
    return lambda features: logits_of(model, scaler.transform(features.double().numpy()) @ basis)


def in_their_span(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = features.shape
    if rows >= columns:
        return features, np.eye(columns)
    values, vectors = np.linalg.eigh(features @ features.T)
    kept = values > values[-1] * 1e-10
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, features.T @ (vectors[:, kept] / lengths)


def search(rows: Rows) -> Callable[[Tensor], Tensor]:
    features, labels, image = rows.flat()
    scaler = StandardScaler().fit(features)
    model = LogisticRegressionCV(
        Cs=1 / (STRENGTHS * len(labels)),
        cv=list(StratifiedGroupKFold(5).split(features, labels, image)),
        scoring="neg_log_loss",
        max_iter=1000,
        use_legacy_attributes=False,
        l1_ratios=(0,),
    )
    fit_quietly(model, scaler.transform(features), labels)
    return lambda features: logits_of(model, scaler.transform(features.double().numpy()))


def fit_quietly(model: LogisticRegression, features: np.ndarray, labels: np.ndarray) -> None:
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(features, labels)


def logits_of(model: LogisticRegression, features: np.ndarray) -> Tensor:
    return torch.from_numpy(model.predict_log_proba(features)).float()


if __name__ == "__main__":
    main()
