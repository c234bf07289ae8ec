"""A first look at a source, from headers alone: enough to choose size, fit and network before decoding."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from convscope.config.asked import DataConfig, Task
from convscope.data.pixels.decoding import Probe, probe
from convscope.data.quarantine import BrokenImage, Quarantined
from convscope.data.sources import ArraySource, FileSource, Item, open_source
from convscope.data.threads import in_order
from convscope.work import counted

MOST_PROBED = 5_000
"""Of larger sources, this many files, evenly spread, stand for all."""
_HEADER_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the headers say. Tuples run over the probed images."""

    name: str
    kind: str
    """files or arrays."""
    count: int
    """Images, as far as names tell."""
    class_counts: dict[str, int]
    """By class, in natural order; empty for regression."""
    split_counts: dict[str, int]
    """By split, where the source gives any."""
    probed: int
    sizes: tuple[tuple[int, int], ...]
    """(width, height) of each probed image, upright."""
    paths: tuple[str, ...]
    """Of each probed image, in the same order."""
    orientations: tuple[int, ...]
    """EXIF orientation of each probed image, 1 to 8."""
    formats: dict[str, int]
    modes: dict[str, int]
    task_hint: Task
    quarantined: tuple[Quarantined, ...]
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """1 when every probed image is grey, else 3."""
        return 1 if self.modes and all(_is_grey(mode) for mode in self.modes) else 3

    @property
    def median_size(self) -> tuple[int, int]:
        """Median width and median height, in pixels; (0, 0) without an image."""
        if not self.sizes:
            return 0, 0
        middle = len(self.sizes) // 2
        return sorted(w for w, _ in self.sizes)[middle], sorted(h for _, h in self.sizes)[middle]


def survey(config: DataConfig) -> Survey:
    """Open a source and look at its headers; no pixel is decoded.

    Raises:
        DataError: the source is absent, unsafe or has no classes.
    """
    return survey_source(open_source(config), config.max_pixels)


def survey_source(
    source: FileSource | ArraySource, max_pixels: int, *, left_out: frozenset[str] = frozenset()
) -> Survey:
    """Survey a source that is open already; without the files that are known to be unusable."""
    if isinstance(source, FileSource):
        items = tuple(item for item in source.items if item.id not in left_out)
        return _of_files(replace(source, items=items), max_pixels)
    return _of_arrays(source)


def _of_files(source: FileSource, max_pixels: int) -> Survey:
    probes: list[Probe] = []
    paths: list[str] = []
    broken = list(source.quarantined)
    chosen = _spread(source.items)
    probed = in_order(lambda item: _probed(item, max_pixels), chosen)
    for item, result in zip(chosen, counted(probed, "looking at file", total=len(chosen)), strict=True):
        if isinstance(result, Probe):
            probes.append(result)
            paths.append(item.id)
        else:
            broken.append(Quarantined(item.id, str(result)))
    names = Counter(str(item.label) for item in source.items)
    return Survey(
        name=source.name,
        kind="files",
        count=len(source.items),
        class_counts={name: names[name] for name in source.class_names},
        split_counts=dict(Counter(item.split for item in source.items if item.split is not None)),
        probed=len(chosen),
        sizes=tuple((one.width, one.height) for one in probes),
        formats=dict(Counter(one.format for one in probes)),
        modes=dict(Counter(one.mode for one in probes)),
        orientations=tuple(one.orientation for one in probes),
        paths=tuple(paths),
        task_hint=source.task_hint,
        quarantined=tuple(broken),
        notes=source.notes,
    )


def _of_arrays(source: ArraySource) -> Survey:
    count, channels, height, width = source.images.shape
    counts = Counter(source.labels.tolist()) if source.class_names else Counter()
    return Survey(
        name=source.name,
        kind="arrays",
        count=count,
        class_counts={name: counts[index] for index, name in enumerate(source.class_names)},
        split_counts=dict(Counter(split for split in source.splits or () if split is not None)),
        probed=count,
        sizes=((width, height),) * count,
        formats={"array": count},
        modes={"L" if channels == 1 else "RGB": count},
        orientations=(1,) * count,
        paths=source.ids,
        task_hint=source.task_hint,
        quarantined=(),
        notes=tuple(source.notes),
    )


def _spread(items: Sequence[Item]) -> Sequence[Item]:
    if len(items) <= MOST_PROBED:
        return items
    return [items[index * len(items) // MOST_PROBED] for index in range(MOST_PROBED)]


def _probed(item: Item, max_pixels: int) -> Probe | BrokenImage:
    try:
        head = item.read(_HEADER_BYTES)
        try:
            return probe(head, max_pixels=max_pixels)
        except BrokenImage:
            if len(head) < _HEADER_BYTES:
                raise
        return probe(item.read(), max_pixels=max_pixels)  # a long EXIF block or colour profile comes first
    except BrokenImage as broken:
        return broken


def _is_grey(mode: str) -> bool:
    return Probe("", 0, 0, mode, 1).channels == 1
