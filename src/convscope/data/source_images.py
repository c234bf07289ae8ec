"""A source, read once, for loading and auditing: its images with their pixels, and what stays out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.data.example import Example
from convscope.data.pixels.decoded import Decoded, decode_items
from convscope.data.pixels.decoding import Reading
from convscope.data.pixels.depth import WHITE_16
from convscope.data.pixels.reading import (
    PixelFormat,
    as_array,
    content_hash,
    find_white,
    read_files,
)
from convscope.data.preprocessing import fit_image
from convscope.data.quarantine import Quarantined
from convscope.data.sources import ArraySource, FileSource
from convscope.data.splitting.similar import similar_pairs
from convscope.data.threads import in_order


@dataclass(frozen=True, eq=False)
class SourceImages:
    """All images of a source, before they are divided."""

    name: str
    class_names: tuple[str, ...]
    examples: tuple[Example, ...]
    """The usable images, in the order of the source."""
    images: NDArray[np.uint8]
    """(M, C, H, W); an example's `row` says which is its own."""
    reading: Reading
    """How its files were read."""
    quarantined: tuple[Quarantined, ...] = ()
    """What stays out, by path."""
    files: int = 0
    """Usable or not; 0 for a source of arrays."""
    faint: tuple[tuple[str, str], ...] = ()
    """Path of each usable image in which hardly anything can be seen, and why."""
    notes: tuple[str, ...] = ()
    decoded: Decoded | None = None
    """Hashes and descriptors of files."""

    def similar(self) -> list[tuple[int, int]]:
        """Pairs of examples whose images are nearly identical, though their files differ."""
        if self.decoded is None:
            return []
        first_of = _first_of_each(self.examples)
        rows = [row for row, digest in enumerate(self.decoded.hashes) if digest in first_of]
        pairs = similar_pairs(self.decoded.descriptors[rows], self.images, rows)
        found = [first_of[self.decoded.hashes[row]] for row in rows]
        return [(found[a], found[b]) for a, b in pairs]


def read_source(
    source: FileSource | ArraySource, form: PixelFormat, *, white: int | None = None
) -> SourceImages:
    """Read, hash and decode everything in a source.

    Args:
        source: an open one.
        form: what its images become.
        white: what is white in images of more than 8 bits; None finds it in the source.
    """
    return _of_files(source, form, white) if isinstance(source, FileSource) else _of_arrays(source, form)


def _of_files(source: FileSource, form: PixelFormat, white: int | None) -> SourceImages:
    files = read_files(source.items)
    if white is None:
        white = find_white(files.deep, form.reading.max_pixels)
    reading = replace(form.reading, white=white)
    decoded = decode_items(files.readable, replace(form, reading=reading), source.name)
    broken = [
        Quarantined(item.id, decoded.reasons[digest])
        for item, digest in files.readable
        if digest in decoded.reasons
    ]
    row_of = decoded.row_of
    return SourceImages(
        name=source.name,
        class_names=source.class_names,
        examples=tuple(
            Example(item.id, digest, item.label, item.split, item.group, row_of[digest])
            for item, digest in files.readable
            if digest in row_of
        ),
        images=decoded.images,
        reading=reading,
        quarantined=tuple(
            sorted((*source.quarantined, *files.quarantined, *broken), key=lambda entry: entry.path)
        ),
        files=len(source.items) + len(source.quarantined),
        faint=tuple(
            (item.id, decoded.faint[digest]) for item, digest in files.readable if digest in decoded.faint
        ),
        notes=(*source.notes, *_depth(reading), *decoded.notes),
        decoded=decoded,
    )


def _depth(reading: Reading) -> list[str]:
    if reading.white == WHITE_16:
        return []
    bits = reading.white.bit_length()
    return [f"images of more than 8 bits hold {bits}: {reading.white:,} is taken for white"]


def _of_arrays(source: ArraySource, form: PixelFormat) -> SourceImages:
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
    images = fit_arrays(source, form)
    notes = tuple(source.notes)
    return SourceImages(source.name, source.class_names, examples, images, form.reading, notes=notes)


def fit_arrays(source: ArraySource, form: PixelFormat) -> NDArray[np.uint8]:
    """The images of a source of arrays in another form, (N, C, H, W)."""
    if source.images.shape[1:] == form.shape:
        return source.images
    if source.images.shape[2:] == form.size and source.images.shape[1] == 1:
        return np.repeat(source.images, form.channels, axis=1)
    images = np.empty((len(source.images), *form.shape), dtype=np.uint8)

    def fit_row(row: int) -> None:
        image = as_image(source.images[row]).convert("L" if form.channels == 1 else "RGB")
        images[row] = as_array(fit_image(image, form.size, form.fit))

    for _ in in_order(fit_row, range(len(images))):
        pass
    return images


def as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Uint8 (C, H, W) -> a grey or colour image."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _first_of_each(examples: Sequence[Example]) -> dict[str, int]:
    """Index of the first example of each content."""
    return {example.hash: index for index, example in reversed(list(enumerate(examples)))}
