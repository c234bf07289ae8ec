"""From a source to a data set: read it, set broken files aside, divide. Reads top to bottom."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.config.asked import DataConfig, Fit
from convscope.data.classes import match_classes, natural_order, refuse_unknown
from convscope.data.correcting import Corrected, correct
from convscope.data.corrections import read_corrections
from convscope.data.dataset import Dataset, ImageRows, ImageSet
from convscope.data.example import Example
from convscope.data.pixels.decoding import Reading
from convscope.data.pixels.reading import PixelFormat
from convscope.data.quarantine import Quarantined, stop_if_many
from convscope.data.source_images import SourceImages, read_source
from convscope.data.sources import ArraySource, FileSource, open_source
from convscope.data.sources.source import SPLITS
from convscope.data.splitting.dividing import Divided, check_training, divide_examples
from convscope.data.splitting.series import Series, find_series
from convscope.data.splitting.splits import links_of
from convscope.errors import DataError
from convscope.wording import here, listed, rounded, some, some_do

Features = Callable[[ImageRows], NDArray[np.float32]]
"""What a pretrained backbone makes of N images: `(N, F)`."""


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
    reading: Reading | None = None,
    features: Features | None = None,
    series: Sequence[Sequence[str]] | None = None,
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
        reading: how a trained classifier reads files; None reads as `config` says and as the source asks.
        features: to find series of one scene or thing by; without, only names can tell.
        series: content hashes of those that were found when the data were divided first; None looks for them.

    Raises:
        DataError: source absent or unsafe, too many broken files, a class without images, one class only, …
    """
    form = PixelFormat(size, channels, fit, reading or Reading(max_pixels=config.max_pixels))
    loaded = read_source(source or open_source(config), form, white=reading.white if reading else None)
    stop_if_many(loaded.quarantined, loaded.files, loaded.name, allow_broken=config.allow_broken)
    loaded = _match(loaded, config, known_classes, ignore_unknown)
    if divided and not loaded.class_names:
        _refuse_one_number(loaded, config)
    found = series_among(loaded, config, features) if divided and series is None else Series()
    loaded = replace(loaded, notes=(*loaded.notes, *([found.said] if found.groups else [])))
    result = divide_examples(
        loaded.examples,
        config,
        seed,
        divided=divided,
        similar=loaded.similar(),
        series=found.groups if series is None else _rows_of(loaded.examples, series),
    )
    if config.corrections is None:
        return _assemble(loaded, result)
    return _corrected(loaded, result, config)


def series_among(loaded: SourceImages, config: DataConfig, features: Features | None) -> Series:
    """Series among images that come as files and are not divided by what somebody said of them; without
    `features` those that their names tell.
    """
    examples, decoded = loaded.examples, loaded.decoded
    if not config.series or config.group_by is not None or decoded is None:
        return Series()
    is_given = config.folds is None and all(example.split is not None for example in examples)
    rows = torch.tensor([example.row for example in examples], dtype=torch.int64)
    images = ImageRows(torch.from_numpy(loaded.images), rows)
    return find_series(
        [example.id for example in examples],
        [example.label for example in examples],
        decoded.descriptors[rows.numpy()],
        None if features is None or is_given else lambda: features(images),
    )


def _rows_of(examples: Sequence[Example], series: Sequence[Sequence[str]]) -> list[list[int]]:
    """Indices of the examples whose content hashes are these."""
    number_of = {digest: number for number, group in enumerate(series) for digest in group}
    return links_of([number_of.get(example.hash) for example in examples])


def _corrected(loaded: SourceImages, result: Divided, config: DataConfig) -> Dataset:
    """The data set with its labels corrected; divided by the labels of the source, so that the same images
    stand in the same splits as without."""
    labels = correct(
        loaded.examples,
        read_corrections(Path(str(config.corrections)).expanduser()),
        class_names=loaded.class_names,
        source=config.source,
        quarantined=loaded.quarantined,
    )
    examples, splits = [], []
    log, removed = [], []
    for one, split, cluster, label in zip(
        loaded.examples, result.splits, result.clusters, labels, strict=True
    ):
        examples.append(one if label is None else replace(one, label=label))
        splits.append(None if label is None else split)
        if split is not None and label != one.label:
            new = None if label is None else _text(label)
            log.append(Corrected(id=one.id, content=one.hash, split=split, old=_text(one.label), new=new))
        if label is None and (split == "test" or config.folds is not None):
            removed.append((one, cluster))
    check_training(examples, splits, f"{config.source}, corrected by {here(str(config.corrections))}")
    dataset = _assemble(replace(loaded, examples=tuple(examples)), replace(result, splits=tuple(splits)))
    left_out = _image_set(removed, dataset.train.images.pixels, loaded)
    return replace(dataset, corrected=tuple(log), removed=left_out)


def _text(label: str | float) -> str:
    """A label as a table of corrections holds it."""
    return label if isinstance(label, str) else repr(label)


def _refuse_one_number(loaded: SourceImages, config: DataConfig) -> None:
    """Stop where all images have the same number: as with one class, there is nothing to learn."""
    numbers = {example.label for example in loaded.examples}
    if len(numbers) == 1:
        raise DataError(
            f"{config.source} has one number only ({rounded(float(numbers.pop()))}), for "
            f"{some(len(loaded.examples), 'image')}: there is nothing to learn. Add images of other numbers."
        )


def _match(
    loaded: SourceImages, config: DataConfig, known: tuple[str, ...] | None, ignore_unknown: bool
) -> SourceImages:
    """Bring classes into the known order, or check that there is something to learn."""
    if not loaded.examples:
        raise DataError(f"{config.source} has no image that can be used.{_why(loaded.quarantined)}")
    if not loaded.class_names:
        return loaded
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
        return loaded
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
    return replace(loaded, examples=kept, class_names=match.class_names, notes=tuple(notes))


def _why(quarantined: Sequence[Quarantined]) -> str:
    return f" {quarantined[0].path}: {quarantined[0].reason}." if quarantined else ""


def _assemble(loaded: SourceImages, result: Divided) -> Dataset:
    divided = list(zip(loaded.examples, result.splits, result.clusters, strict=True))
    pixels = torch.from_numpy(loaded.images)
    sets = {
        split: _image_set(
            [(one, cluster) for one, where, cluster in divided if where == split], pixels, loaded
        )
        for split in SPLITS
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
        notes=(*loaded.notes, *result.notes, *_faint(loaded)),
        reading=loaded.reading,
        series=tuple(
            tuple(dict.fromkeys(loaded.examples[index].hash for index in group)) for group in result.series
        ),
    )


def _faint(loaded: SourceImages) -> list[str]:
    """A note when images show hardly anything as they are read."""
    if not loaded.faint:
        return []
    count = len(loaded.faint)
    named = "; ".join(f"{path}: {why}" for path, why in loaded.faint[:3]) + ("; …" if count > 3 else "")
    return [f"{some_do(count, 'image', 'shows')} hardly anything ({named})"]


def _image_set(members: Sequence[tuple[Example, int]], pixels: Tensor, loaded: SourceImages) -> ImageSet:
    examples = [example for example, _ in members]
    if loaded.class_names:
        index_of = {name: index for index, name in enumerate(loaded.class_names)}
        labels = torch.tensor([index_of[str(example.label)] for example in examples], dtype=torch.int64)
    else:
        labels = torch.tensor([float(example.label) for example in examples], dtype=torch.float32)
    return ImageSet(
        images=ImageRows(pixels, torch.tensor([example.row for example in examples], dtype=torch.int64)),
        labels=labels,
        ids=tuple(example.id for example in examples),
        hashes=tuple(example.hash for example in examples),
        clusters=tuple(cluster for _, cluster in members),
    )
