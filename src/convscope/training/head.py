"""Fitting the last layer exactly, on features that are computed once.

A frozen backbone makes the same features of the same image at every step, so nothing is gained by steps:
the best linear head is the solution of a convex problem, found in about a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn

from convscope.classifier.logits import evaluation_mode
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.errors import UsageError

STRENGTHS = tuple(10.0 ** (exponent / 2) for exponent in range(4, -7, -1))
"""L2 penalties that are tried, strongest first: 100 to 0.001 per image, on features of unit variance."""
FOLDS = 5
MOST_IMAGES_TO_CHOOSE = 2000
BATCH_SIZE = 32

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A fitted last layer.

    Attributes:
        weight: float32 `(num_outputs, F)`.
        bias: float32 `(num_outputs,)`.
        strength: the L2 penalty that did best on held-out images.
        held_out_loss: cross-entropy, or mean squared error, there: mean over the folds.
    """

    weight: Tensor
    bias: Tensor
    strength: float
    held_out_loss: float


def head_layer(network: nn.Module) -> nn.Linear:
    """The last linear layer of a network, from features to outputs.

    Raises:
        UsageError: when its last layer is not a linear one.
    """
    get_classifier = getattr(network, "get_classifier", None)  # timm's
    layer = get_classifier() if callable(get_classifier) else None
    if layer is None:
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        layer = linear[-1] if linear else None
    if not isinstance(layer, nn.Linear):
        raise UsageError(
            f"the head of {type(network).__name__} is no linear layer, so it cannot be fitted alone; "
            "train all layers, or take another network"
        )
    return layer


def compute_features(network: nn.Module, preprocessing: Preprocessing, images: Images) -> Tensor:
    """What the head sees: float32 `(N, F)`, on the CPU, of images `(N, C, H, W)`, uint8 or float 0-1."""
    layer = head_layer(network)
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].float().cpu())

    device = next(network.parameters()).device
    handle = layer.register_forward_pre_hook(keep)
    try:
        with evaluation_mode(network), torch.inference_mode():
            for start in range(0, len(images), BATCH_SIZE):
                network(preprocessing.standardise(images[start : start + BATCH_SIZE].to(device)))
    finally:
        handle.remove()
    return torch.cat(seen) if seen else torch.empty(0, layer.in_features)


def fit_head(
    features: Tensor,
    targets: Tensor,
    *,
    num_classes: int | None,
    weights: Tensor | None = None,
) -> LinearHead:
    """Multinomial logistic regression, or ridge regression, whose L2 penalty is chosen on held-out images.

    Args:
        features: `(N, F)`, or `(D, N, F)` for D augmentation draws of each image, which stay together.
        targets: `(N,)`, class indices or numbers.
        num_classes: None for regression.
        weights: `(N,)`, how much each image counts; all alike when None.

    Deterministic: no random state is used. Features that never vary are ignored.
    """
    draws = features if features.ndim == 3 else features[None]
    data = _Problem.from_tensors(draws, targets, num_classes, weights)
    solve = _ridge if num_classes is None else _logistic
    strength, loss = _choose_strength(data, solve)
    centre, deviation = data.moments()
    coefficients, bias = solve(data.standardised(centre, deviation), strength, None)[:2]
    weight = coefficients.T / deviation
    return LinearHead(
        weight=torch.from_numpy(weight).float(),
        bias=torch.from_numpy(bias - weight @ centre).float(),
        strength=strength,
        held_out_loss=loss,
    )


@torch.no_grad()
def install_head(network: nn.Module, head: LinearHead) -> None:
    """Write a fitted head into the network's last layer."""
    layer = head_layer(network)
    layer.weight.copy_(head.weight)
    if layer.bias is not None:
        layer.bias.copy_(head.bias)


@dataclass(frozen=True, eq=False)
class _Problem:
    """Rows of features `(M, F)`, what they should give `(M, K)`, how much they count, and their image."""

    features: Array
    wanted: Array
    weights: Array
    image: NDArray[np.int64]
    order: NDArray[np.int64]
    """Images, class by class (or by value): every fifth of these is a stratified fold."""

    @staticmethod
    def from_tensors(
        draws: Tensor, targets: Tensor, num_classes: int | None, weights: Tensor | None
    ) -> "_Problem":
        count, images = len(draws), len(targets)
        values = targets.cpu().numpy()
        each = np.ones(images) if weights is None else weights.cpu().double().numpy()
        wanted = (
            values.astype(np.float64)[:, None]
            if num_classes is None
            else np.eye(num_classes)[values.astype(np.int64)]
        )
        return _Problem(
            features=draws.cpu().double().reshape(count * images, -1).numpy(),
            wanted=np.tile(wanted, (count, 1)),
            weights=np.tile(each, count) / (each.sum() * count),
            image=np.tile(np.arange(images), count),
            order=np.argsort(values, kind="stable"),
        )

    def moments(self) -> tuple[Array, Array]:
        """Mean and deviation of every feature; 1 where it does not vary."""
        deviation = self.features.std(0)
        return self.features.mean(0), np.where(deviation > 1e-8, deviation, 1.0)

    def standardised(self, centre: Array, deviation: Array) -> "_Problem":
        return _Problem(
            (self.features - centre) / deviation, self.wanted, self.weights, self.image, self.order
        )

    def only(self, rows: NDArray[np.bool_]) -> "_Problem":
        weights = self.weights[rows] / self.weights[rows].sum()
        return _Problem(self.features[rows], self.wanted[rows], weights, self.image[rows], self.order)


Solver = Callable[[_Problem, float, "Array | None"], tuple[Array, Array, Array]]
"""Standardised rows, strength, where to start -> coefficients (F, K), bias (K,), where to start the next."""


def _choose_strength(data: _Problem, solve: Solver) -> tuple[float, float]:
    """The strength with the least loss on images that were held out, five folds in turn."""
    stride = -(-len(data.order) // MOST_IMAGES_TO_CHOOSE)
    order = data.order[::stride]
    losses = np.zeros(len(STRENGTHS))
    folds = min(FOLDS, len(order))
    if folds < 2:
        return 1.0, float("nan")
    classification = solve is _logistic
    for fold in range(folds):
        held_out = np.isin(data.image, order[fold::folds])
        fit = data.only(np.isin(data.image, order) & ~held_out)
        centre, deviation = fit.moments()
        reduced = _in_its_span(fit.standardised(centre, deviation))
        test = data.only(held_out).standardised(centre, deviation)
        rows = test.features @ reduced.basis
        start: Array | None = None
        for index, strength in enumerate(STRENGTHS):
            coefficients, bias, start = solve(reduced.problem, strength, start)
            outputs = rows @ coefficients + bias
            errors = (
                -(test.wanted * _log_softmax(outputs)).sum(1)
                if classification
                else ((outputs - test.wanted) ** 2).sum(1)
            )
            losses[index] += (errors * test.weights).sum() / folds
    best = int(losses.argmin())
    return STRENGTHS[best], float(losses[best])


@dataclass(frozen=True, eq=False)
class _Reduced:
    problem: _Problem
    basis: Array


def _in_its_span(data: _Problem) -> _Reduced:
    """The same problem in as many coordinates as there are rows: an L2 solution lies in the rows' span."""
    rows, columns = data.features.shape
    if rows >= columns:
        return _Reduced(data, np.eye(columns))
    values, vectors = np.linalg.eigh(data.features @ data.features.T)
    kept = values > values[-1] * 1e-10
    lengths = np.sqrt(values[kept])
    basis = data.features.T @ (vectors[:, kept] / lengths)
    reduced = vectors[:, kept] * lengths
    return _Reduced(_Problem(reduced, data.wanted, data.weights, data.image, data.order), basis)


def _logistic(data: _Problem, strength: float, start: Array | None) -> tuple[Array, Array, Array]:
    """Minimise cross-entropy + strength / 2 · |coefficients|², by L-BFGS."""
    reduced = _in_its_span(data)
    rows, wanted, weights = reduced.problem.features, data.wanted, data.weights[:, None]
    columns, classes = rows.shape[1], wanted.shape[1]

    def objective(flat: Array) -> tuple[float, Array]:
        values = flat.reshape(columns + 1, classes)
        log_probabilities = _log_softmax(rows @ values[:-1] + values[-1])
        slope = weights * (np.exp(log_probabilities) - wanted)
        gradient = np.concatenate([rows.T @ slope + strength * values[:-1], slope.sum(0, keepdims=True)])
        loss = -(weights * wanted * log_probabilities).sum() + strength / 2 * (values[:-1] ** 2).sum()
        return float(loss), gradient.ravel()

    if start is None:
        start = np.zeros((columns + 1) * classes)
    found: Array = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-9, "gtol": 1e-6}
    ).x
    values = found.reshape(columns + 1, classes)
    return reduced.basis @ values[:-1], values[-1], found


def _ridge(data: _Problem, strength: float, start: Array | None) -> tuple[Array, Array, Array]:
    """Minimise half the squared error + strength / 2 · |coefficients|², in closed form."""
    reduced = _in_its_span(data)
    rows, weights = reduced.problem.features, data.weights[:, None]
    centre, mean = (weights * rows).sum(0), (weights * data.wanted).sum(0)
    centred = rows - centre
    gram = centred.T @ (weights * centred) + strength * np.eye(rows.shape[1])
    solution = np.linalg.solve(gram, centred.T @ (weights * (data.wanted - mean)))
    return reduced.basis @ solution, mean - centre @ solution, solution


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result
