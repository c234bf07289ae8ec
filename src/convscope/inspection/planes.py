"""High-dimensional values in two dimensions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convscope.errors import UsageError

PlaneMethod = Literal["pca", "t-sne"]
_FEWEST_POINTS = 5
_DIMENSIONS_BEFORE_TSNE = 50


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Points in a plane.

    points: (M, 2). indices: (M,), which of the given rows they are, ascending; fewer than `available` if
    there were too many. explained_variance: the shares of the variance along the two axes; None for t-SNE,
    whose axes and distances between far groups mean nothing.
    """

    method: PlaneMethod
    points: NDArray[np.float32]
    indices: NDArray[np.int64]
    available: int
    explained_variance: tuple[float, float] | None


def plane(
    values: NDArray[np.float32], *, method: PlaneMethod = "pca", seed: int = 0, max_points: int = 2000
) -> Plane:
    """Lay values (N, D) out in two dimensions.

    pca: principal components. t-sne: van der Maaten & Hinton 2008.

    Beyond `max_points` rows a random choice of that many is taken, drawn with the seed. t-SNE starts from
    the principal components; its perplexity is 30, or less for few points. Raises UsageError for fewer than
    5 rows, fewer than 2 dimensions, or values that are not finite.
    """
    if method not in ("pca", "t-sne"):
        raise UsageError(f"there is no method {method!r}: choose pca or t-sne")
    if values.ndim != 2 or len(values) < _FEWEST_POINTS or values.shape[1] < 2:
        raise UsageError(f"at least {_FEWEST_POINTS} rows and 2 columns are needed, not {values.shape}")
    if not np.isfinite(values).all():
        raise UsageError("some of the values are not finite, so they have no place in a plane")
    indices = np.arange(len(values))
    if len(values) > max_points:
        indices = np.sort(np.random.default_rng(seed).choice(len(values), max_points, replace=False))
    components, shares = _principal_components(values[indices], seed)
    points = components[:, :2] if method == "pca" else _tsne(components, seed)
    return Plane(
        method=method,
        points=points.astype(np.float32),
        indices=indices,
        available=len(values),
        explained_variance=(float(shares[0]), float(shares[1])) if method == "pca" else None,
    )


def _principal_components(
    values: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return up to 50 components (M, K) and the shares of variance that they explain."""
    from sklearn.decomposition import PCA

    count = min(_DIMENSIONS_BEFORE_TSNE, *values.shape)
    if not np.ptp(values, axis=0).any():  # all rows alike: no direction to find
        return np.zeros((len(values), count), np.float32), np.zeros(count)
    fitted = PCA(n_components=count, random_state=seed)
    return fitted.fit_transform(values), fitted.explained_variance_ratio_


def _tsne(components: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    if not np.ptp(components, axis=0).any():
        return components[:, :2]
    perplexity = min(30.0, (len(components) - 1) / 3)
    fitted = TSNE(n_components=2, perplexity=perplexity, init="pca", random_state=seed)
    return np.asarray(fitted.fit_transform(components), dtype=np.float32)
