"""What a training says of its data before the first step."""

from collections import Counter

import torch

from convscope.config.asked import ExperimentConfig
from convscope.data.dataset import Dataset
from convscope.data.survey import Survey
from convscope.training.progress import Choice
from convscope.wording import from_here, here, some, some_do

SHOWN_FILES = 12
SHOWN_CLASSES = 12


def describe_data(survey: Survey, dataset: Dataset, config: ExperimentConfig) -> list[Choice]:
    """How many images of what, what stays out and why, and how they are divided."""
    choices = [Choice(dataset.name, _contents(dataset)), *_left_out(dataset, config.data.source)]
    choices += [Choice("note", note) for note in dataset.notes]
    choices += _corrected(dataset, config)
    if config.data.folds is None:
        sizes = " · ".join(f"{len(images):,} {split}" for split, images in dataset.splits.items())
        choices.append(Choice("split", sizes, _division(survey, config.split_seed)))
    else:
        times = "" if config.data.repeats == 1 else f", {config.data.repeats} times"
        choices.append(
            Choice(
                "split",
                f"{config.data.folds} folds{times}",
                "every image is held out once; then a fit on all",
            )
        )
    return choices


def _division(survey: Survey, seed: int) -> str:
    """Who decided what of the split: the source, or content and seed."""
    by_content = f"by content and seed {seed}, stratified"
    match set(survey.split_counts):
        case given if not given:
            return by_content
        case given if {"test", "validation"} <= given:
            return "as the source gives it"
        case given if "test" in given:
            rest = "its training images" if "train" in given else "the others"
            return f"the source gives the test; validation is taken from {rest}, {by_content}"
        case given if "validation" in given:
            return "as the source gives it, which has no test"
        case _:
            return f"the source gives training images alone; the others are taken from them, {by_content}"


def _contents(dataset: Dataset) -> str:
    total = sum(len(images) for images in dataset.splits.values())
    names = dataset.class_names
    if not names:
        return f"{total:,} images, each with a number"
    labels = torch.cat([images.labels for images in dataset.splits.values()])
    counts = torch.bincount(labels, minlength=len(names)).tolist()
    if len(set(counts)) == 1:
        return f"{total:,} images, {len(names):,} classes of {counts[0]:,} each: {_some(names)}"
    sign = ":" if any(name[-1:].isdigit() for name in names) else ""  # `0 500 · 1 500` says nothing
    shown = [f"{name}{sign} {count:,}" for name, count in zip(names[:SHOWN_CLASSES], counts, strict=False)]
    more = " · …" if len(names) > SHOWN_CLASSES else ""
    return f"{total:,} images, {len(names):,} classes: {' · '.join(shown)}{more}"


def _some(names: tuple[str, ...]) -> str:
    more = " · …" if len(names) > SHOWN_CLASSES else ""
    return " · ".join(names[:SHOWN_CLASSES]) + more


def _corrected(dataset: Dataset, config: ExperimentConfig) -> list[Choice]:
    """How many labels are other than the source's, and where."""
    if not dataset.corrected:
        return []
    removed = sum(each.new is None for each in dataset.corrected)
    changed = len(dataset.corrected) - removed
    counts = Counter(each.split for each in dataset.corrected)
    where = " · ".join(f"{count:,} {split}" for split, count in counts.items())
    parts = [f"{some(changed, 'label')} changed"] if changed else []
    parts += [f"{some(removed, 'image')} left out"] if removed else []
    table = here(str(config.data.corrections))
    return [Choice("corrections", ", ".join(parts), f"{table}{'' if config.data.folds else f': {where}'}")]


def _left_out(dataset: Dataset, source: str) -> list[Choice]:
    """Every broken file by name; of many, the first ones, and where the others are listed."""
    broken = dataset.quarantined
    if not broken:
        return []
    lines = [Choice("left out", f"{some_do(len(broken), 'file', 'stays')} out")] + [
        Choice("", from_here(source, entry.path), entry.reason) for entry in broken[:SHOWN_FILES]
    ]
    if len(broken) > SHOWN_FILES:
        lines.append(Choice("", f"and {len(broken) - SHOWN_FILES:,} more", "all of them are in dataset.json"))
    return lines
