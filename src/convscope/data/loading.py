"""From a source to a data set: read, decode, set broken files aside, divide. Reads top to bottom."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from convscope.config.asked import DataConfig, Fit
from convscope.data.classes import match_classes, natural_order, refuse_unknown
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.example import Example
from convscope.data.pixels.decoded import SMALL, Decoded, decode_items, side_by_side
from convscope.data.pixels.reading import PixelFormat, as_array, content_hash, hash_items, in_order
from convscope.data.preprocessing import fit_image
from convscope.data.quarantine import Quarantined, stop_if_many
from convscope.data.sources import ArraySource, FileSource, open_source
from convscope.data.sources.source import SPLITS
from convscope.data.splitting.dividing import Divided, divide_examples
from convscope.data.splitting.similar import similar_pairs
from convscope.errors import DataError
from convscope.wording import listed


@dataclass(frozen=True, eq=False)
class Loaded:
    """All images of a source, before they are divided."""

    name: str
    examples: tuple[Example, ...]
    images: NDArray[np.uint8]
    """(M, C, H, W); an example's `row` says which is its own."""
    class_names: tuple[str, ...]
    quarantined: tuple[Quarantined, ...]
    notes: tuple[str, ...]
    decoded: Decoded | None = None
    """Of file sources: hashes, descriptors and the place in the cache."""


def load_dataset(
    config: DataConfig,
    *,
    size: tuple[int, int],
    channels: int,
    fit: Fit,
    seed: int,
    known_classes: tuple[str, ...] | None = None,
    ignore_unknown: bool = False,
    divided: bool = True,
    source: FileSource | ArraySource | None = None,
) -> Dataset:
    """Open, decode and divide a source.

    Args:
        config: source, fractions and limits.
        size: height and width of every image, in pixels.
        channels: 1 (grey) or 3 (RGB).
        fit: how an image of another shape gets that size.
        seed: decides, with the content, which image stands in which split.
        known_classes: the classes of a trained classifier; classes are matched with them by name.
        ignore_unknown: leave images of classes that are not known out, instead of stopping.
        divided: False puts every image without a given split into the test split (to evaluate on it).
        source: the source, where it is open already.

    Raises:
        DataError: source absent or unsafe, too many broken files, a class without images, one class only, …
    """
    source = source or open_source(config)
    form = PixelFormat(size, channels, fit, config.max_pixels)
    loaded = (
        _from_files(source, config, form) if isinstance(source, FileSource) else _from_arrays(source, form)
    )
    loaded, missing = _match(loaded, config, known_classes, ignore_unknown)
    result = divide_examples(
        loaded.examples,
        config,
        seed,
        divided=divided,
        similar=similar_examples(loaded.examples, loaded.decoded),
    )
    return _assemble(loaded, result, missing)


def _from_files(source: FileSource, config: DataConfig, form: PixelFormat) -> Loaded:
    readable, unreadable = hash_items(source.items)
    decoded = decode_items(readable, form)
    broken = [Quarantined(item.id, decoded.reasons[h]) for item, h in readable if h in decoded.reasons]
    quarantined = sorted((*source.quarantined, *unreadable, *broken), key=lambda entry: entry.path)
    total = len(source.items) + len(source.quarantined)
    stop_if_many(quarantined, total, source.name, allow_broken=config.allow_broken)
    examples = [
        Example(item.id, digest, item.label, item.split, item.group, decoded.row_of[digest])
        for item, digest in readable
        if digest in decoded.row_of
    ]
    return Loaded(
        source.name,
        tuple(examples),
        decoded.images,
        source.class_names,
        tuple(quarantined),
        (*source.notes, *decoded.notes),
        decoded,
    )


def _from_arrays(source: ArraySource, form: PixelFormat) -> Loaded:
    count = len(source.ids)
    splits = source.splits or (None,) * count
    labels = source.labels.tolist()
    examples = tuple(
        Example(
            id=source.ids[row],
            hash=content_hash(source.images[row].tobytes()),
            label=source.class_names[labels[row]] if source.class_names else float(labels[row]),
            split=splits[row],
            group=None,
            row=row,
            official=splits[row] is not None,
        )
        for row in range(count)
    )
    images = _fitted(source, form)
    return Loaded(source.name, examples, images, source.class_names, (), tuple(source.notes))


def _fitted(source: ArraySource, form: PixelFormat) -> NDArray[np.uint8]:
    if source.images.shape[1:] == form.shape:
        return source.images
    if source.images.shape[2:] == form.size and source.images.shape[1] == 1:
        return np.repeat(source.images, form.channels, axis=1)
    images = np.empty((len(source.images), *form.shape), dtype=np.uint8)

    def fit_row(row: int) -> None:
        pixels = source.images[row]
        image = Image.fromarray(
            pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
        )
        fitted = fit_image(image.convert("L" if form.channels == 1 else "RGB"), form.size, form.fit)
        images[row] = as_array(fitted)

    for _ in in_order(fit_row, range(len(images))):
        pass
    return images


def _match(
    loaded: Loaded, config: DataConfig, known: tuple[str, ...] | None, ignore_unknown: bool
) -> tuple[Loaded, tuple[str, ...]]:
    """Bring classes into the known order, or check that there is something to learn."""
    if not loaded.examples:
        raise DataError(f"{config.source} has no image that can be used.{_why(loaded.quarantined)}")
    if not loaded.class_names:
        return loaded, ()
    found = {str(example.label) for example in loaded.examples}
    if known is None:
        empty = natural_order(set(loaded.class_names) - found)
        if empty:
            names = ", ".join(f"'{name}'" for name in empty[:5])
            raise DataError(
                f"{config.source}: no image that can be used in class {names}. Add some, or remove it."
            )
        if len(found) < 2:
            raise DataError(
                f"{config.source} has one class only ('{loaded.class_names[0]}'); "
                "a classifier needs two or more. Add a folder, or a label, for each other class."
            )
        return loaded, ()
    match = match_classes(known, found)
    notes = list(loaded.notes)
    if match.unknown and ignore_unknown:
        left_out = sum(str(example.label) in match.unknown for example in loaded.examples)
        notes.append(f"{left_out:,} images of unknown classes left out: {listed(match.unknown)}")
    else:
        refuse_unknown(match, config.source)
    if match.missing:
        notes.append(f"no images here of: {listed(match.missing)}")
    kept = tuple(example for example in loaded.examples if str(example.label) not in match.unknown)
    if not kept:
        raise DataError(f"{config.source} has no image of a known class ({', '.join(known[:10])}).")
    loaded = replace(loaded, examples=kept, class_names=match.class_names, notes=tuple(notes))
    return loaded, match.missing


def _why(quarantined: Sequence[Quarantined]) -> str:
    return f" {quarantined[0].path}: {quarantined[0].reason}." if quarantined else ""


def similar_examples(examples: Sequence[Example], decoded: Decoded | None) -> list[tuple[int, int]]:
    """Pairs of examples whose images are nearly identical, though their files differ."""
    if decoded is None:
        return []
    first_of: dict[str, int] = {}
    for index, example in enumerate(examples):
        first_of.setdefault(example.hash, index)
    known = [index for index, digest in enumerate(decoded.hashes) if digest in first_of]
    rows = [decoded.row_of[decoded.hashes[index]] for index in known]
    pairs = similar_pairs(decoded.descriptors[known], decoded.images, rows)
    return [(first_of[decoded.hashes[known[a]]], first_of[decoded.hashes[known[b]]]) for a, b in pairs]


def _assemble(loaded: Loaded, result: Divided, missing: tuple[str, ...]) -> Dataset:
    divided = list(zip(loaded.examples, result.splits, result.clusters, strict=True))
    of_split = {
        split: [(one, cluster) for one, where, cluster in divided if where == split] for split in SPLITS
    }
    images = _images_of([[one for one, _ in of_split[split]] for split in SPLITS], loaded)
    sets = {
        split: _image_set(of_split[split], pixels, loaded)
        for split, pixels in zip(SPLITS, images, strict=True)
    }
    lines = sorted(f"{one.hash} {one.label} {split}" for one, split, _ in divided if split is not None)
    return Dataset(
        name=loaded.name,
        class_names=loaded.class_names,
        train=sets["train"],
        validation=sets["validation"],
        test=sets["test"],
        quarantined=loaded.quarantined,
        fingerprint=hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest(),
        notes=(*loaded.notes, *result.notes),
        missing_classes=missing,
    )


def _images_of(parts: Sequence[Sequence[Example]], loaded: Loaded) -> list[Tensor]:
    """Pixels of each part: small sets in memory, large ones mapped from the cache, in this order."""
    if loaded.decoded is None or loaded.decoded.key is None or loaded.images.nbytes < SMALL:
        return [_taken(loaded.images, [example.row for example in part]) for part in parts]
    try:
        mapped = side_by_side(loaded.decoded, [example.hash for part in parts for example in part])
    except OSError as error:
        raise DataError(
            f"the pixel cache cannot be written: {(error.strerror or str(error)).lower()}.\n"
            f"Make room for {loaded.images.nbytes / 2**30:.1f} GiB, or name a place: XDG_CACHE_HOME=FOLDER"
        ) from error
    ends = np.cumsum([len(part) for part in parts])
    return [torch.from_numpy(piece) for piece in np.split(mapped, ends[:-1])]


def _taken(images: NDArray[np.uint8], rows: Sequence[int]) -> Tensor:
    """A view where the rows follow each other, else a copy."""
    if rows and list(rows) == list(range(rows[0], rows[0] + len(rows))):
        return torch.from_numpy(images[rows[0] : rows[0] + len(rows)])
    return torch.from_numpy(images[np.asarray(rows, dtype=np.int64)])


def _image_set(members: Sequence[tuple[Example, int]], images: Tensor, loaded: Loaded) -> ImageSet:
    examples = [example for example, _ in members]
    if loaded.class_names:
        index_of = {name: index for index, name in enumerate(loaded.class_names)}
        labels = torch.tensor([index_of[str(example.label)] for example in examples], dtype=torch.int64)
    else:
        labels = torch.tensor([float(example.label) for example in examples], dtype=torch.float32)
    return ImageSet(
        images=images,
        labels=labels,
        ids=tuple(example.id for example in examples),
        hashes=tuple(example.hash for example in examples),
        clusters=tuple(cluster for _, cluster in members),
    )
