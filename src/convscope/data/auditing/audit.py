"""What is wrong with some data, before anything is trained on it.

Broken files, copies and near-copies, the same image in two given splits or in two classes, uneven classes,
shapes, and images that are unlike the others. The audit reads every image and changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from convscope.config.asked import DataConfig, Fit
from convscope.data.example import Example
from convscope.data.loading import series_among
from convscope.data.pixels.cache import release_pages
from convscope.data.pixels.decoding import Reading
from convscope.data.pixels.reading import PixelFormat
from convscope.data.preprocessing import discarded_share
from convscope.data.quarantine import Quarantined
from convscope.data.source_images import SourceImages, as_image, read_source
from convscope.data.sources import ArraySource, FileSource, open_source
from convscope.data.splitting.series import Series
from convscope.data.splitting.similar import describe, similar_pairs
from convscope.data.splitting.splits import clusters, links_of
from convscope.data.survey import Survey, survey_source
from convscope.data.threads import in_order

_RARE = 0.02
"""A kind of image (grey, turned by EXIF, of an extreme shape) is odd when no more than this share are."""
_EXTREME_SHAPE = 3.0
_MOST_ODD = 100
_LOOKED_AT = 1000
"""Images between two releases of mapped memory."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many images a class has."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Images that show the same."""

    paths: tuple[str, ...]
    exact: bool
    """The files are identical, byte by byte."""
    splits: tuple[str | None, ...]
    """As the source gives them."""
    labels: tuple[str | float, ...]

    @property
    def leaks(self) -> bool:
        """It stands in two of the given splits."""
        return len({split for split in self.splits if split is not None}) > 1

    @property
    def disagrees(self) -> bool:
        """It stands in two classes."""
        return len(set(self.labels)) > 1


@dataclass(frozen=True, slots=True)
class Outlier:
    """An image that is unlike the others in some plain way."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The findings."""

    survey: Survey
    classes: tuple[ClassCount, ...]
    """Usable images of each class."""
    imbalance: float
    """Largest class over smallest; 1 for regression."""
    quarantined: tuple[Quarantined, ...]
    files: int
    """Usable or not; 0 for a source of arrays."""
    faint: tuple[Outlier, ...]
    """Usable images in which hardly anything can be seen as they are read."""
    duplicates: tuple[Duplicate, ...]
    leaks: tuple[Duplicate, ...]
    """Those of `duplicates` that stand in two given splits."""
    conflicts: tuple[Duplicate, ...]
    """Those of `duplicates` that stand in two classes."""
    outliers: tuple[Outlier, ...]
    missing: dict[str, tuple[str, ...]]
    """By given split, the classes without an image in it."""
    cropped_away: float
    """Share of the typical (median) image that a square centre crop discards."""
    images: int
    """Usable ones."""
    reading: Reading
    """How the files were read, and how training would read them."""
    series: Series = field(default_factory=Series)
    """Images of one thing or scene, as far as names tell; training asks a pretrained network, too."""
    notes: tuple[str, ...] = ()
    """What a reader should know about the source and how it was read."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        sizes = Counter(self.survey.sizes)
        return {
            "name": self.survey.name,
            "images": self.images,
            "task": self.survey.task_hint,
            "classes": [asdict(entry) for entry in self.classes],
            "imbalance": self.imbalance,
            "splits": dict(self.survey.split_counts),
            "missing": {split: list(names) for split, names in self.missing.items()},
            "sizes": [{"width": w, "height": h, "count": n} for (w, h), n in sizes.most_common(20)],
            "median_size": list(self.survey.median_size),
            "formats": dict(self.survey.formats),
            "modes": dict(self.survey.modes),
            "cropped_away": self.cropped_away,
            "quarantined": [asdict(entry) for entry in self.quarantined],
            "faint": [asdict(entry) for entry in self.faint],
            "duplicates": [_plain(entry) for entry in self.duplicates],
            "leaks": [_plain(entry) for entry in self.leaks],
            "conflicts": [_plain(entry) for entry in self.conflicts],
            "outliers": [asdict(entry) for entry in self.outliers],
            "series": self.series.to_dict(),
            "notes": list(self.notes),
        }


def audit(
    config: DataConfig, *, size: int = 64, fit: Fit = "squash", source: FileSource | ArraySource | None = None
) -> Audit:
    """Read every image of a source and look for what could spoil training.

    Args:
        config: source and limits; `allow_broken` plays no part, as broken files are what is looked for.
        size: side to which images are decoded for the comparison, in pixels.
        fit: how they get it; `squash` sees the whole image.
        source: the source, where it is open already.

    Raises:
        DataError: the source is absent, unsafe or has no classes.
    """
    source = source or open_source(config)
    reading = Reading(max_pixels=config.max_pixels)
    if isinstance(source, FileSource):
        found = read_source(source, PixelFormat((size, size), 3, fit, reading))
        similar = found.similar()
    else:
        _, channels, height, width = source.images.shape
        found = read_source(source, PixelFormat((height, width), channels, fit, reading))
        similar = _similar_arrays(found)
    examples = found.examples
    overview = survey_source(source, config.max_pixels, left_out=frozenset(e.path for e in found.quarantined))
    duplicates = _duplicates(examples, similar)
    counts = Counter(str(example.label) for example in examples)
    classes = tuple(ClassCount(name, counts[name]) for name in source.class_names)
    present = [entry.count for entry in classes if entry.count]
    shares = [discarded_share(width, height, (1, 1), "crop") for width, height in overview.sizes]
    return Audit(
        survey=overview,
        classes=classes,
        imbalance=max(present) / min(present) if present else 1.0,
        quarantined=found.quarantined,
        faint=tuple(Outlier(path, reason) for path, reason in found.faint),
        files=found.files,
        duplicates=duplicates,
        leaks=tuple(entry for entry in duplicates if entry.leaks),
        conflicts=tuple(entry for entry in duplicates if entry.disagrees),
        outliers=tuple(_outliers(found, overview)[:_MOST_ODD]),
        missing=_missing(examples, source.class_names),
        cropped_away=float(np.median(shares)) if shares else 0.0,
        series=series_among(found, config, None),
        notes=found.notes,
        reading=found.reading,
        images=len(examples),
    )


def _similar_arrays(found: SourceImages) -> list[tuple[int, int]]:
    """Pairs of nearly identical images of a source of arrays."""
    first_rows = sorted({example.hash: example.row for example in reversed(found.examples)}.values())
    described = in_order(lambda row: describe(as_image(found.images[row])), first_rows)
    pairs = similar_pairs(np.stack(list(described)), found.images, first_rows)
    return [(first_rows[a], first_rows[b]) for a, b in pairs]


def _duplicates(examples: Sequence[Example], similar: Sequence[tuple[int, int]]) -> tuple[Duplicate, ...]:
    same = links_of([example.hash for example in examples])
    groups = links_of(clusters(len(examples), [*same, *similar]))
    return tuple(
        Duplicate(
            paths=tuple(examples[index].id for index in group),
            exact=len({examples[index].hash for index in group}) == 1,
            splits=tuple(examples[index].split for index in group),
            labels=tuple(examples[index].label for index in group),
        )
        for group in groups
    )


def _outliers(found: SourceImages, overview: Survey) -> list[Outlier]:
    """Grey among colour, turned by EXIF, far from square: each only where it is rare."""
    if found.decoded is None:
        return []
    most = max(1, int(_RARE * len(found.examples)))
    grey = _grey_ones(found)
    turned = [path for path, one in zip(overview.paths, overview.orientations, strict=True) if one != 1]
    long = [
        path
        for path, (width, height) in zip(overview.paths, overview.sizes, strict=True)
        if max(width, height) > _EXTREME_SHAPE * min(width, height)
    ]
    kinds = (
        ("grey among colour images", grey),
        ("turned upright by its EXIF orientation, unlike the others", turned),
        (f"more than {_EXTREME_SHAPE:.0f} times as long as wide", long),
    )
    return [Outlier(path, reason) for reason, paths in kinds if len(paths) <= most for path in paths]


def _grey_ones(found: SourceImages) -> list[str]:
    """Paths of grey images. A mapped file is read from its start to its end, and not kept in memory."""
    examples, images = found.examples, found.images
    order = sorted(range(len(examples)), key=lambda index: examples[index].row)
    grey: list[int] = []
    for start in range(0, len(order), _LOOKED_AT):
        some = order[start : start + _LOOKED_AT]
        grey += [index for index in some if _is_grey(images[examples[index].row])]
        release_pages(images)
    return [examples[index].id for index in sorted(grey)]


def _is_grey(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bool:
    # JPEG rounds colours, so that a grey photo may be a level or two off.
    red, green, blue = (channel.astype(np.int16) for channel in pixels)
    return bool(np.abs(red - green).max() <= 2 and np.abs(green - blue).max() <= 2)


def _missing(examples: Sequence[Example], class_names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str | float]] = defaultdict(set)
    for example in examples:
        if example.split is not None:
            found[example.split].add(example.label)
    lacking = {split: tuple(n for n in class_names if n not in names) for split, names in found.items()}
    return {split: names for split, names in lacking.items() if names}


def _plain(entry: Duplicate) -> dict[str, Any]:
    return {
        "paths": list(entry.paths),
        "exact": entry.exact,
        "splits": list(entry.splits),
        "labels": list(entry.labels),
    }
