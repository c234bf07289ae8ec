"""Fitting the last layer exactly, on features that are computed once.

A frozen backbone makes the same features of the same image at every step, so nothing is gained by steps: the
best linear head is the solution of a convex problem. Four things make it quick (benchmarks/exact_head.py):

* The features are turned once into the directions in which they vary, of which an L2 solution needs no
  other: no more of them than rows, and one decomposition for all folds and strengths.
* In these directions the curvature is known about, so that L-BFGS starts with steps of the right length.
* Strengths are tried outwards from a usual one, each beginning where the last one ended, and no longer
  than they do better; the head itself begins at the mean of what the folds found.
* Folds are solved side by side, in float32; a fit ends where its loss is above the least one by no more than
  a known amount.

Each feature is divided by the square root of its deviation. Dividing by all of it makes much of the many
that are nearly always nought, by none of it, little of what varies finely: over five photo sets the held-out
loss is 6 % and 2 % lower so.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from convscope.training.fine_tuning.head import LinearHead

FIRST, STRONGEST, WEAKEST = -2, 4, -6
"""Of the L2 penalties 10 ** (step / 2): on features whose mean square is 1, as a part of the mean error."""
ENOUGH = 0.003
"""A strength has to lower the held-out loss by this share of it, or the search is over."""
FOLDS = 5
IMAGES_TO_CHOOSE = 10_000
"""Folds times images: five folds of 2,000 images, one of 10,000; of more images, some."""
NEAR, EXACT = 1e-4, 1e-6
"""How far above the least loss a solution may be: to choose the strength, and for the head itself."""
RANK = 1e-6
"""Directions whose part of the variance is below this share of the largest are rounding."""
CURVATURE = {"classes": 0.05, "numbers": 1.0}
"""Of the error in its outputs. Cross-entropy's lies between 0 and 1/2; of images that are mostly told apart
it is small, and with this as its guess L-BFGS needs fewest steps."""


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
    draws = (features if features.ndim == 3 else features[None]).detach().cpu().float()
    span = _Span.of(draws.flatten(0, 1))
    rows = _rows(span, draws, targets.cpu(), num_classes, weights)
    strength, loss, start = _choose_strength(rows)
    everything = rows.weights_of(torch.ones(1, len(targets)))
    solution = _solve(rows, everything, strength, start, EXACT)[:, 0]
    weight = (span.basis @ solution[:-1]).T.contiguous()
    return LinearHead(weight, solution[-1] - weight @ span.mean, strength, loss)


@dataclass(frozen=True, eq=False)
class _Span:
    """The directions in which rows `(M, F)` vary: an L2 solution has no part in any other.

    Attributes:
        mean: `(F,)`.
        basis: `(F, R)`, R ≤ M: from centred rows to coordinates whose variances add up to F. The rows'
            features are scaled on the way.
        variances: `(R,)` of the coordinates.
        coordinates: `(M, R)`.
    """

    mean: Tensor
    basis: Tensor
    variances: Tensor
    coordinates: Tensor

    @staticmethod
    def of(features: Tensor) -> "_Span":
        mean, scale = features.mean(0), _or_one(features.std(0, correction=0)).sqrt()
        centred = (features - mean) / scale
        unit = _or_one(centred.square().mean()).sqrt()
        centred /= unit
        count, columns = centred.shape
        if count >= columns:
            values, basis = _eigen(centred.T @ centred)
            kept = values > values[-1] * RANK
            basis = basis[:, kept]
        else:
            values, vectors = _eigen(centred @ centred.T)
            kept = values > values[-1] * RANK
            basis = centred.T @ (vectors[:, kept] / values[kept].sqrt())
        from_features = basis / (scale * unit)[:, None]
        return _Span(mean, from_features, values[kept] / count, centred @ basis)


def _eigen(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and eigenvectors; in float64 where many columns that are alike defy float32."""
    try:
        values, vectors = torch.linalg.eigh(gram)
    except RuntimeError:  # torch.linalg.LinAlgError, which types do not know
        values, vectors = torch.linalg.eigh(gram.double())
    return values.float(), vectors.float()


def _or_one(values: Tensor) -> Tensor:
    """What nothing can be divided by becomes 1."""
    return values.where(values > 0, 1.0)


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is fitted: M rows, which are D draws of each image.

    Attributes:
        inputs: `(M, R + 1)`, the last column of ones: the bias's.
        targets: `(M, 1, K)`, one in its class, or `(M, 1, 1)` numbers.
        weights: `(M,)`.
        image: `(M,)`, the image that each row is a draw of.
        variances: `(R + 1,)` of the inputs, as far as they are known.
        kind: classes or numbers.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    image: Tensor
    variances: Tensor
    kind: str

    def nothing(self, problems: int) -> Tensor:
        """What solving several problems on these rows begins at: `(R + 1, problems, K)`."""
        return torch.zeros(self.inputs.shape[1], problems, self.targets.shape[-1])

    def outputs(self, solution: Tensor) -> Tensor:
        """`(M, problems, K)` of a solution `(R + 1, problems, K)`."""
        return (self.inputs @ solution.flatten(1)).view(-1, *solution.shape[1:])

    def judge(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Errors `(M, problems)`, cross-entropy or half the square, and their slopes in the outputs."""
        if self.kind == "numbers":
            wrong = outputs - self.targets
            return wrong[..., 0].square() / 2, wrong
        logs = outputs.log_softmax(-1)
        return -(logs * self.targets).sum(-1), logs.exp_().sub_(self.targets)

    def weights_of(self, parts: Tensor) -> Tensor:
        """`(M, problems)` from masks `(problems, N)` of images; those of a problem sum to 1."""
        weights = self.weights[:, None] * parts.T[self.image]
        return weights / weights.sum(0)


def _rows(
    span: _Span, draws: Tensor, targets: Tensor, num_classes: int | None, weights: Tensor | None
) -> _Rows:
    count, images = len(draws), len(targets)
    each = torch.ones(images) if weights is None else weights.cpu().float()
    wanted = targets.float()[:, None] if num_classes is None else F.one_hot(targets, num_classes).float()
    return _Rows(
        inputs=F.pad(span.coordinates, (0, 1), value=1.0),
        targets=wanted.repeat(count, 1)[:, None],
        weights=each.repeat(count),
        image=torch.arange(images).repeat(count),
        variances=F.pad(span.variances, (0, 1), value=1.0),
        kind="numbers" if num_classes is None else "classes",
    )


def _choose_strength(rows: _Rows) -> tuple[float, float, Tensor]:
    """The strength with the least error on images that were held out, that error, and a solution near it."""
    rows, inside, outside = _divide(rows)
    found, losses, means = rows.nothing(inside.shape[1]), dict[int, float](), dict[int, Tensor]()
    if not len(found[0]):
        return 1.0, float("nan"), rows.nothing(1)

    def is_better(step: int, than: float) -> bool:
        nonlocal found
        if not WEAKEST <= step <= STRONGEST:
            return False
        found = _solve(rows, inside, 10 ** (step / 2), found, NEAR)
        errors = (outside * rows.judge(rows.outputs(found))[0]).sum(0) * (2 if rows.kind == "numbers" else 1)
        losses[step], means[step] = errors.mean().item(), found.mean(1, keepdim=True)
        return losses[step] < than * (1 - ENOUGH)

    is_better(FIRST, 0.0)
    for way in (-1, 1):
        step = FIRST
        while is_better(step + way, losses[step]):
            step += way
        if step != FIRST:
            break
    best = min(losses, key=lambda each: losses[each])
    return 10 ** (best / 2), losses[best], means[best]


def _divide(rows: _Rows) -> tuple[_Rows, Tensor, Tensor]:
    """Rows to choose by, and their weights inside and outside of as many folds as there is time for.

    Weights are `(M, folds)`; no fold divides a single image.
    """
    images = int(rows.image.max()) + 1
    firsts = rows.targets[:images, 0]
    order = (firsts.argmax(1) if rows.kind == "classes" else firsts[:, 0]).argsort(stable=True)
    order = order[:: -(-images // IMAGES_TO_CHOOSE)]  # sorted, so that every fifth is a stratified fold
    folds = min(FOLDS, len(order))
    count = 0 if folds < 2 else min(folds, max(1, IMAGES_TO_CHOOSE // len(order)))
    chosen, outside = torch.zeros(1, images, dtype=torch.bool), torch.zeros(count, images, dtype=torch.bool)
    chosen[0, order] = True
    for fold in range(count):
        outside[fold, order[fold::folds]] = True
    if len(order) < images:
        kept = chosen[0, rows.image]
        rows = replace(
            rows,
            inputs=rows.inputs[kept],
            targets=rows.targets[kept],
            weights=rows.weights[kept],
            image=rows.image[kept],
        )
    return rows, rows.weights_of(chosen & ~outside), rows.weights_of(outside)


def _solve(rows: _Rows, weights: Tensor, strength: float, start: Tensor, tolerance: float) -> Tensor:
    """Minimise Σ weights · errors + strength / 2 · |solution without its bias|², for each of some problems.

    They are solved side by side: one product of matrices is quicker than several narrow ones. A loss with
    that penalty lies above its least value by no more than |slope|² / (2 · strength).

    Args:
        rows: which all problems share.
        weights: `(M, problems)`, each problem's of the rows.
        strength: of the penalty.
        start: `(R + 1, problems, K)`; the solution has that shape too.
        tolerance: how far above its least value a problem's loss may be, in the mean.
    """
    from scipy.optimize import minimize

    curvature, problems = CURVATURE[rows.kind], start.shape[1]
    penalty = torch.full((len(start), 1, 1), strength)
    penalty[-1] = 0.0
    scale = (curvature * rows.variances[:, None, None] + penalty).rsqrt()
    stiffness = penalty.clone()
    stiffness[-1] = curvature
    above = float("inf")

    def value_and_slope(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal above
        solution = torch.from_numpy(scaled).float().view_as(start) * scale
        errors, slopes = rows.judge(rows.outputs(solution))
        value = (weights * errors).sum(dtype=torch.float64)
        value = value + (penalty * solution.square()).sum(dtype=torch.float64) / 2
        slope = (rows.inputs.T @ slopes.mul_(weights[..., None]).flatten(1)).view_as(
            start
        ) + penalty * solution
        above = (slope.square() / (2 * stiffness)).sum().item() / problems
        return value.item(), (slope * scale).double().flatten().numpy()

    def stop_near_enough(intermediate_result: object) -> None:
        if above < tolerance:
            raise StopIteration

    found = minimize(
        value_and_slope,
        (start / scale).double().flatten().numpy(),
        jac=True,
        method="L-BFGS-B",
        callback=stop_near_enough,
        options={"gtol": 0.0, "ftol": 1e-9, "maxiter": 1000},
    )
    return torch.from_numpy(found.x).float().view_as(start) * scale
