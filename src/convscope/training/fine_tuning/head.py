"""Fitting the last layer exactly, on features that are computed once.

A frozen backbone makes the same features of the same image at every step, so nothing is gained by steps:
the best linear head is the solution of a convex problem, found in about a second. scikit-learn takes longer
than that to import; it is imported where a head is fitted.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
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
NEAR, EXACT = 1e-4, 1e-6
"""Tolerances of the solver: to choose the penalty, and for the head itself."""

Array = NDArray[np.float64]
Model = Any  # LogisticRegression | Ridge, which come without types


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
    from sklearn.preprocessing import StandardScaler

    rows = _Rows.of(features if features.ndim == 3 else features[None], targets, weights)
    strength, loss = _choose_strength(rows, num_classes)
    scaler = StandardScaler().fit(rows.features)
    coordinates, basis = _in_their_span(scaler.transform(rows.features))
    coefficients, bias = _solve(_model(num_classes, EXACT), coordinates, rows, strength, num_classes)
    weight = (basis @ coefficients).T / scaler.scale_
    return LinearHead(
        weight=torch.from_numpy(weight).float(),
        bias=torch.from_numpy(bias - weight @ scaler.mean_).float(),
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
class _Rows:
    """Features `(M, F)`, targets `(M,)`, weights that sum to 1, and the image that each row is a draw of."""

    features: Array
    targets: NDArray[Any]
    weights: Array
    image: NDArray[np.int64]

    @staticmethod
    def of(draws: Tensor, targets: Tensor, weights: Tensor | None) -> "_Rows":
        count, images = len(draws), len(targets)
        each = np.ones(images) if weights is None else weights.cpu().double().numpy()
        return _Rows(
            features=draws.cpu().double().flatten(0, 1).numpy(),
            targets=np.tile(targets.cpu().numpy(), count),
            weights=np.tile(each, count) / (each.sum() * count),
            image=np.tile(np.arange(images), count),
        )

    def of_images(self, images: NDArray[np.int64]) -> "_Rows":
        kept = np.isin(self.image, images)
        weights = self.weights[kept] / self.weights[kept].sum()
        return _Rows(self.features[kept], self.targets[kept], weights, self.image[kept])


def _choose_strength(rows: _Rows, num_classes: int | None) -> tuple[float, float]:
    """The strength with the least loss on images that were held out, five folds in turn."""
    from sklearn.preprocessing import StandardScaler

    images = rows.image.max() + 1
    order = np.argsort(rows.targets[:images], kind="stable")  # every fifth is a stratified fold
    order = order[:: -(-images // MOST_IMAGES_TO_CHOOSE)]
    folds = min(FOLDS, len(order))
    if folds < 2:
        return 1.0, float("nan")
    losses = np.zeros(len(STRENGTHS))
    for fold in range(folds):
        outside = rows.of_images(order[fold::folds])
        inside = rows.of_images(np.delete(order, np.s_[fold::folds]))
        scaler = StandardScaler().fit(inside.features)
        coordinates, basis = _in_their_span(scaler.transform(inside.features))
        unseen = scaler.transform(outside.features) @ basis
        model = _model(num_classes, NEAR)
        for index, strength in enumerate(STRENGTHS):
            coefficients, bias = _solve(model, coordinates, inside, strength, num_classes)
            losses[index] += outside.weights @ _errors(unseen @ coefficients + bias, outside.targets) / folds
    best = int(losses.argmin())
    return STRENGTHS[best], float(losses[best])


def _errors(outputs: Array, targets: NDArray[Any]) -> Array:
    """`(M,)` cross-entropy of outputs `(M, K)` and class indices, or squared errors of outputs `(M, 1)`."""
    if targets.dtype.kind == "f":
        squared: Array = (outputs[:, 0] - targets) ** 2
        return squared
    from scipy.special import log_softmax

    chosen: Array = -log_softmax(outputs, axis=1)[np.arange(len(targets)), targets]
    return chosen


def _in_their_span(features: Array) -> tuple[Array, Array]:
    """Coordinates `(M, R)` and their basis `(F, R)`, R ≤ M: an L2 solution lies in the span of the rows."""
    rows, columns = features.shape
    if rows >= columns or not features.any():
        return features, np.eye(columns)
    values, vectors = np.linalg.eigh(features @ features.T)
    kept = values > values[-1] * 1e-10
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, features.T @ (vectors[:, kept] / lengths)


def _model(num_classes: int | None, tolerance: float) -> Model:
    """Not fitted; logistic regression stops where no slope of its loss is above the tolerance."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if num_classes is None:
        return Ridge()
    return LogisticRegression(max_iter=1000, tol=tolerance, warm_start=True)


def _solve(
    model: Model, features: Array, rows: _Rows, strength: float, num_classes: int | None
) -> tuple[Array, Array]:
    """Minimise the mean error + strength / 2 · |coefficients|²: coefficients `(R, K)` and bias `(K,)`."""
    from sklearn.exceptions import ConvergenceWarning

    if num_classes is None:
        model.set_params(alpha=strength).fit(features, rows.targets, rows.weights)
        return model.coef_[:, None], np.array([model.intercept_])
    # A row without weight for each class: the model knows of it even where these images have none of it.
    features = np.concatenate([features, np.zeros((num_classes, features.shape[1]))])
    targets = np.concatenate([rows.targets, np.arange(num_classes)])
    weights = np.concatenate([rows.weights, np.zeros(num_classes)])
    # Of two classes it fits the difference of the logits, whose square is twice that of two halves.
    model.set_params(C=(2 if num_classes == 2 else 1) / strength)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(features, targets, weights)  # after a thousand iterations near enough
    coefficients, bias = model.coef_.T, model.intercept_
    if num_classes == 2:
        coefficients, bias = coefficients * [-0.5, 0.5], bias * [-0.5, 0.5]
    return coefficients, bias
