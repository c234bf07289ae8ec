"""`convscope data`: what is in some images, before anything is trained on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from convscope.cli.flags import WholeNumber, check_picture
from convscope.cli.output import print_json, result_console, try_to
from convscope.cli.screen import print_line, print_whole
from convscope.config.asked import DataConfig
from convscope.errors import DataError
from convscope.wording import here, listed

if TYPE_CHECKING:
    from convscope.data.auditing.audit import Audit

SHOWN = 8
SAMPLES = 9
DRAWS = 8


def data(
    source: str,
    /,
    *,
    group_by: str | None = None,
    augmentation: str | None = None,
    picture: Path | None = None,
    seed: WholeNumber = 0,
    json: bool = False,
) -> int:
    """Audit images before training: classes, sizes, broken files, copies, leaks; and draw a sample.

    Parameters
    ----------
    source
        A folder, a .zip or .tar, a .csv or .parquet, or a name.
    group_by
        As for train: a regular expression whose match in the path names the group, or a column.
    augmentation
        Draw this augmentation instead of samples: 8 images, 8 draws of each.
    picture
        Where to write the picture; NAME-samples.png or NAME-augmentation.png unless given.
    seed
        For the draws of the augmentation.
    json
        Print one JSON document on stdout.
    """
    from convscope.data.auditing.audit import audit
    from convscope.diagnosis.data import audited, next_step

    check_picture(picture)
    if augmentation is not None:
        from convscope.data.augmentation import Augmentation

        Augmentation.from_text(augmentation)  # what is wrong with it is said before the audit, not after it
    config = DataConfig(source=source, group_by=group_by)
    found = audit(config)
    if found.quarantined and not any(entry.count for entry in found.classes):
        reasons = ", ".join(f"{entry.path} ({entry.reason})" for entry in found.quarantined[:3])
        raise DataError(
            f"{source} has no image that can be read: {reasons}…\nMend them, or name another folder"
        )
    kind = "samples" if augmentation is None else "augmentation"
    path = picture or Path(f"{found.survey.name}-{kind}.png".replace("/", "-").replace(":", "-"))
    findings = audited(found)
    console = result_console()
    if not json:
        _print(console, found)
        console.file.flush()  # results first: what is drawn beside them may fail
    drawn = try_to(
        lambda: _draw(config, augmentation, seed, path), otherwise=f"the picture {path} was not drawn"
    )
    if json:
        drawn_at = {"picture": None if drawn is None else str(path)}
        print_json(found.to_dict() | {"findings": [finding.to_dict() for finding in findings]} | drawn_at)
        return 0
    if drawn is not None:
        print_whole(console, "picture", here(path))
    print_whole(console, "next", next_step(findings, source))
    return 0


def _draw(config: DataConfig, augmentation: str | None, seed: int, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if augmentation is None:
        _draw_samples(config, path)
    else:
        _draw_augmentation(config, augmentation, seed, path)
    return path


def _draw_samples(config: DataConfig, path: Path) -> None:
    from convscope.data.auditing.samples import take_samples
    from convscope.report.pictures.grids import image_grid

    samples = take_samples(config, SAMPLES)
    if not samples.labels:
        raise DataError(f"{config.source} has no image that can be read")
    image_grid(samples.images, samples.labels, columns=3).save(path)


def _draw_augmentation(config: DataConfig, text: str, seed: int, path: Path) -> None:
    import torch

    from convscope.data.auditing.samples import take_samples
    from convscope.data.augmentation import Augmentation
    from convscope.report.pictures.grids import augmentation_sheet

    augmentation = Augmentation.from_text(text)
    samples = take_samples(config, DRAWS)
    images = torch.from_numpy(samples.images)
    labels = torch.arange(len(images))
    draws = [
        augmentation.apply(images, labels, num_classes=len(images), seed=seed, step=step)[0]
        for step in range(DRAWS)
    ]
    pixels = (torch.stack(draws, 1) * 255).round().clamp(0, 255).to(torch.uint8)
    augmentation_sheet(samples.images, pixels.numpy(), samples.labels).save(path)


def _print(console: Console, found: "Audit") -> None:
    survey = found.survey
    total = sum(entry.count for entry in found.classes) or survey.count
    number = "1 class" if len(found.classes) == 1 else f"{len(found.classes)} classes"
    shape = f"{number}: {_counts(found)}" if found.classes else "numbers to predict"
    print_line(console, survey.name, f"{total:,} images, {shape}")
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
            f"a square centre crop cuts {100 * found.cropped_away:.0f} % of the typical image away",
        )
    print_line(
        console, "balance", f"the largest class has {found.imbalance:.1f} times the images of the smallest"
    )
    for note in survey.notes:
        print_line(console, "note", note)
    _print_findings(console, found)


def _print_findings(console: Console, found: "Audit") -> None:

    broken = [f"{entry.path}: {entry.reason}" for entry in found.quarantined]
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
    odd = [f"{entry.path}: {entry.reason}" for entry in found.outliers]
    for label, lines in (
        ("broken", broken),
        ("leaks", leaks),
        ("conflicts", conflicts),
        ("copies", copies),
        ("missing", missing),
        ("odd", odd),
    ):
        _print_some(console, label, lines)
    if not (broken or leaks or conflicts or copies or missing):
        print_line(console, "findings", "none: no broken file, no copy, no leak between splits")


def _print_some(console: Console, label: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines[:SHOWN]):
        print_line(console, f"{label} {len(lines):,}" if number == 0 else "", line)
    if len(lines) > SHOWN:
        print_line(console, "", f"and {len(lines) - SHOWN:,} more; all of them: --json")


def _counts(found: "Audit") -> str:
    shown = [f"{entry.name} {entry.count:,}" for entry in found.classes[:12]]
    return " · ".join(shown) + (" · …" if len(found.classes) > 12 else "")
