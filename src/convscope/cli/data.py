"""`convscope data`: what is in some images, before anything is trained on them."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from convscope.cli.flags import asked_experiment, check_picture, typed_flags, with_experiment_flags
from convscope.cli.output import print_json, result_console, try_to, warn
from convscope.cli.screen import print_line, print_whole
from convscope.errors import DataError, UsageError
from convscope.wording import here, listed, percent, some

if TYPE_CHECKING:
    from PIL.Image import Image

    from convscope.data.auditing.audit import Audit
    from convscope.data.sources import ArraySource, FileSource
    from convscope.training.plan import Plan

SHOWN = 8
SAMPLES = 9
SAMPLE_SIDE = 192
DRAWN = 8
DRAWS = 8


@with_experiment_flags
def data(
    source: str,
    /,
    *,
    picture: Path | None = None,
    overwrite: bool = False,
    json: bool = False,
    overrides: dict[str, Any],
) -> int:
    """Audit images before training: classes, sizes, broken files, copies, leaks; and draw a sample.

    With --augmentation, training is drawn instead: 8 images, and 8 times what it would see of each. All flags
    of train are understood, so that the picture shows the training that they describe.

    Parameters
    ----------
    source
        A folder, a .zip or .tar, a .csv or .parquet, a name, or an experiment's .toml.
    picture
        Where to write the picture; NAME-samples.png or NAME-augmentation.png unless given.
    overwrite
        Replace what is at --picture already.
    json
        Print one JSON document on stdout.
    """
    check_picture(picture)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"--picture: '{picture}' is no .png")
    asked = asked_experiment(source, overrides)
    from convscope.data.auditing.audit import audit
    from convscope.data.sources import open_source
    from convscope.diagnosis.data import audited, next_step

    opened = open_source(asked.data)
    plan = None
    if asked.augmentation.preset is not None:  # what is wrong with it is said before the audit, not after it
        from convscope.data.augmentation import Augmentation
        from convscope.data.survey import survey_source
        from convscope.training.plan import plan_experiment

        Augmentation.from_text(asked.augmentation.preset)
        plan = plan_experiment(asked, survey_source(opened, asked.data.max_pixels))
    found = audit(asked.data, source=opened)
    if found.quarantined and not found.images:
        reasons = ", ".join(f"{entry.path} ({entry.reason})" for entry in found.quarantined[:3])
        raise DataError(
            f"{source} has no image that can be read: {reasons}…\nMend them, or name another folder"
        )
    path = picture or _free_place(found.survey.name, "samples" if plan is None else "augmentation")
    findings = audited(found)
    following = next_step(findings, source, typed_flags(overrides))
    console = result_console()
    if not json:
        _print(console, found)
        if plan is not None:
            _print_training(console, plan)
        console.file.flush()  # results first: what is drawn beside them may fail
    drawn = try_to(
        lambda: _draw(opened, found, plan, path, overwrite=overwrite or picture is None),
        otherwise=f"the picture {path} was not drawn",
    )
    if json:
        concluded = {"findings": [finding.to_dict() for finding in findings]}
        print_json(found.to_dict() | concluded | {"picture": str(path) if drawn else None, "next": following})
        return 0
    if drawn:
        print_whole(console, "picture", here(path))
    print_whole(console, "next", following)
    return 0


def _free_place(name: str, kind: str) -> Path:
    """`photos-samples.png`, or with a number where that is taken: no picture is overwritten unasked."""
    stem = name.replace("/", "-").replace(":", "-")
    later = (f"-{number}" for number in itertools.count(2))
    places = (Path(f"{stem}{number}-{kind}.png") for number in itertools.chain([""], later))
    return next(place for place in places if not os.path.lexists(place))


def _draw(
    source: "FileSource | ArraySource", found: "Audit", plan: "Plan | None", path: Path, *, overwrite: bool
) -> bool:
    """Whether the picture was written; it may not be there already unless it is to be overwritten."""
    if path.exists() and not overwrite:
        warn(f"{path} is there already and stays as it is. Name another --picture, or say --overwrite")
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    image = _samples(source, found) if plan is None else _training(source, found, plan)
    image.save(path)
    return True


def _samples(source: "FileSource | ArraySource", found: "Audit") -> "Image":
    from convscope.data.auditing.samples import take_samples
    from convscope.data.pixels.reading import PixelFormat
    from convscope.report.pictures.grids import image_grid

    form = PixelFormat((SAMPLE_SIDE, SAMPLE_SIDE), 3, "pad", found.reading)
    samples = take_samples(source, form, SAMPLES)
    return image_grid(samples.images, samples.labels, columns=3)


def _training(source: "FileSource | ArraySource", found: "Audit", plan: "Plan") -> "Image":
    """What training would see: its size, its channels, its way to get there, its augmentation."""
    from convscope.data.auditing.samples import draw_as_trained, draw_for_head, take_samples
    from convscope.data.augmentation import Augmentation
    from convscope.data.pixels.reading import PixelFormat
    from convscope.report.pictures.grids import augmentation_sheet
    from convscope.training.preparation import fits_on_mirror_images

    config = plan.config
    side, image = config.preprocessing.size, config.preprocessing
    form = PixelFormat((side, side), image.channels, image.fit, found.reading)
    samples = take_samples(source, form, DRAWN)
    if plan.fits_head_alone:
        seen = draw_for_head(samples, mirrored=fits_on_mirror_images(config))
    else:
        augmentation = Augmentation.from_text(config.augmentation.preset)
        seen = draw_as_trained(samples, augmentation, seed=config.seed, draws=DRAWS)
    return augmentation_sheet(samples.images, seen, samples.labels)


def _print_training(console: Console, plan: "Plan") -> None:
    """What the picture of a training is drawn from."""
    config = plan.config
    image = config.preprocessing
    kinds = {1: "grey", 3: "colour"}
    ways = {"crop": "cropped to the centre", "squash": "squashed", "pad": "padded"}
    seen = f"{image.size}×{image.size} px, {kinds[image.channels]}, other shapes {ways[image.fit]}"
    print_line(console, "training sees", seen, f"network {config.network.name}")
    if not plan.fits_head_alone:
        print_line(console, "augmentation", config.augmentation.preset)
        return
    from convscope.training.preparation import fits_on_mirror_images

    what = "each image and its mirror image" if fits_on_mirror_images(config) else "each image as it is"
    print_line(console, "augmentation", what, "a head alone is fitted once; moves and light play no part")


def _print(console: Console, found: "Audit") -> None:
    survey = found.survey
    number = some(len(found.classes), "class", "classes")
    shape = f"{number}: {_counts(found)}" if found.classes else "numbers to predict"
    print_line(console, survey.name, f"{some(found.images, 'image')}, {shape}")
    if survey.split_counts:
        print_line(console, "splits", " · ".join(f"{name} {n:,}" for name, n in survey.split_counts.items()))
    else:
        print_line(console, "splits", "none given: train makes them, by content and seed")
    width, height = survey.median_size
    sizes = len(set(survey.sizes))
    print_line(
        console,
        "size",
        f"{width}×{height} px" if sizes == 1 else f"{sizes:,} sizes, typically {width}×{height} px",
    )
    kinds = " · ".join(f"{name} {n:,}" for name, n in (survey.formats or survey.modes).items())
    looked_at = "" if survey.probed == survey.count else f"    of {survey.probed:,} files looked at"
    print_line(console, "kind", kinds + looked_at)
    if found.cropped_away > 0.005:
        print_line(
            console,
            "crop",
            f"a square centre crop cuts {percent(found.cropped_away, 0)} of the typical image away",
        )
    print_line(
        console, "balance", f"the largest class has {found.imbalance:.1f} times the images of the smallest"
    )
    for note in found.notes:
        print_line(console, "note", note)
    _print_findings(console, found)


def _print_findings(console: Console, found: "Audit") -> None:
    from convscope.data.quarantine import NO_LABEL

    broken = [f"{entry.path}: {entry.reason}" for entry in found.quarantined if entry.reason != NO_LABEL]
    unlabelled = [entry.path for entry in found.quarantined if entry.reason == NO_LABEL]
    copies = [
        f"{' = '.join(entry.paths)}{'' if entry.exact else '  (nearly)'}"
        for entry in found.duplicates
        if not entry.leaks and not entry.disagrees
    ]
    leaks = [
        " = ".join(f"{split}: {path}" for path, split in zip(e.paths, e.splits, strict=True))
        for e in found.leaks
    ]
    conflicts = [" = ".join(entry.paths) for entry in found.conflicts]
    missing = [f"{split} has no image of {listed(names)}" for split, names in found.missing.items()]
    missing += [f"no image of {entry.name}: train would refuse" for entry in found.classes if not entry.count]
    if len(found.classes) == 1:
        missing.append("a second class: a classifier needs two or more")
    faint = [f"{entry.path}: {entry.reason}" for entry in found.faint]
    odd = [f"{entry.path}: {entry.reason}" for entry in found.outliers]
    for label, lines in (
        ("broken", broken),
        ("no label", unlabelled),
        ("leaks", leaks),
        ("conflicts", conflicts),
        ("copies", copies),
        ("missing", missing),
        ("faint", faint),
        ("odd", odd),
    ):
        _print_some(console, label, lines)
    if not (broken or leaks or conflicts or copies or missing or faint):
        print_line(console, "findings", "none: no broken file, no copy, no leak between splits")


def _print_some(console: Console, label: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines[:SHOWN]):
        print_line(console, f"{label} {len(lines):,}" if number == 0 else "", line)
    if len(lines) > SHOWN:
        print_line(console, "", f"and {len(lines) - SHOWN:,} more; all of them: --json")


def _counts(found: "Audit") -> str:
    shown = [f"{entry.name} {entry.count:,}" for entry in found.classes[:12]]
    return " · ".join(shown) + (" · …" if len(found.classes) > 12 else "")
