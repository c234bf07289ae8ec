"""Labels of judged images that were corrected: how good a classifier is by both, the old labels and the new.

Who corrects labels looks where a network disagrees with them, and so corrects more of those that count
against it than of those that count for it. Figures by corrected labels flatter; beside them stands what the
labels of the source say.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convscope.data.correcting import Corrected
from convscope.data.corrections import Correction
from convscope.evaluation.metrics import Evaluation
from convscope.evaluation.predictions import ImageEvaluation, Predictions, has_predictions, read_predictions
from convscope.evaluation.proportion import Proportion
from convscope.evaluation.regression import MeanAbsoluteError
from convscope.runs.folder import DATASET, Run
from convscope.wording import some

REMOVED = "removed"
"""Under this name a run keeps its answers to images that would judge it, had no correction left them out."""


@dataclass(frozen=True, kw_only=True)
class BothWays:
    """One figure by the labels of the source, and by the corrected ones.

    Attributes:
        as_labelled: by the labels of the source; on all images, also on those that corrections leave out.
        as_corrected: by the corrected labels, without those images.
        changed: how many of the images have another label than in the source.
        removed: how many are left out.
    """

    as_labelled: ImageEvaluation
    as_corrected: ImageEvaluation
    changed: int
    removed: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON: an accuracy with its interval, or a mean absolute error, by both."""
        return {
            "changed": self.changed,
            "removed": self.removed,
            "as_labelled": _figure(self.as_labelled),
            "as_corrected": _figure(self.as_corrected),
        }


def judge_both_ways(
    judged: Predictions, log: Sequence[Corrected], removed: Predictions | None
) -> BothWays | None:
    """The figures by both, or None where no judged image's label was corrected.

    Args:
        judged: answers, beside corrected labels.
        log: what was corrected, whether or not it is among the judged.
        removed: answers to the images that were left out, beside the labels of the source.
    """
    old_of = {(each.id, each.content): each.old for each in log if each.new is not None}
    index_of = {name: index for index, name in enumerate(judged.class_names)}
    labels = judged.labels.copy()
    changed = 0
    for row, image in enumerate(zip(judged.ids, judged.hashes, strict=True)):
        if image in old_of:
            old = old_of[image]
            labels[row] = index_of[old] if index_of else float(old)
            changed += 1
    count = 0 if removed is None else len(removed)
    if not (changed or count):
        return None
    labelled = replace(judged, labels=labels)
    if removed is not None and count:
        labelled = _joined(labelled, removed)
    return BothWays(
        as_labelled=labelled.evaluation, as_corrected=judged.evaluation, changed=changed, removed=count
    )


def read_both_ways(run: Run, judged: Predictions) -> BothWays | None:
    """The same of a run's own test images, from what it keeps.

    Raises:
        RunError: what it keeps is damaged.
    """
    log = read_log(run)
    if not log:
        return None
    removed = read_predictions(run, REMOVED) if has_predictions(run, REMOVED) else None
    return judge_both_ways(judged, log, removed)


def read_log(run: Run) -> tuple[Corrected, ...]:
    """What was corrected in a run's data; nothing of a run that says nothing of it."""
    values = run.read(DATASET) if run.has(DATASET) else {}
    return tuple(Corrected.from_dict(each) for each in values.get("corrected", ()))


def relabelled(judged: Predictions, corrections: Sequence[Correction]) -> Predictions:
    """Answers beside labels that are corrected further; without the images that are to be left out.

    Args:
        judged: answers with the hashes of the images' contents.
        corrections: each with its content; of images that are not among the judged, they are passed over.
    """
    names = judged.class_names

    def kept_as(label: str) -> int | np.float32:
        """Numbers are kept in 32 bits, in which a table's 3.7 is 3.7000000477."""
        return names.index(label) if names else np.float32(label)

    known = [each for each in corrections if not names or each.old in names]
    new_of = {(each.content, kept_as(each.old)): each.new for each in known}
    labels, kept = judged.labels.copy(), []
    for row, content in enumerate(judged.hashes):
        old = int(labels[row]) if names else np.float32(labels[row])
        if (content, old) in new_of:
            new = new_of[content, old]
            if new is None:
                continue
            labels[row] = kept_as(new)
        kept.append(row)
    rows = np.array(kept, dtype=np.int64)
    return replace(
        judged,
        logits=judged.logits[rows],
        labels=labels[rows],
        ids=tuple(judged.ids[row] for row in kept),
        hashes=tuple(judged.hashes[row] for row in kept),
        groups=None if judged.groups is None else judged.groups[rows],
    )


def said_both_ways(values: dict[str, Any]) -> tuple[str, str]:
    """From what `to_dict` gives: the figure by the labels of the source, and what it is to be read with."""
    figure = values["as_labelled"]
    if "accuracy" in figure:
        share = figure["accuracy"]
        said = str(Proportion(share["correct"], share["n"]))
    else:
        error = figure["mean_absolute_error"]
        ends = tuple(math.nan if end is None else end for end in error["interval"])
        said = f"mean absolute error {MeanAbsoluteError(error['value'], (ends[0], ends[1]), error['n'])}"
    what = _amounts(values["changed"], values["removed"])
    return said, f"before {what}: whoever corrects looks for errors, so the corrected figure may flatter"


def _amounts(changed: int, removed: int) -> str:
    parts = [f"{some(changed, 'label')} corrected"] if changed else []
    parts += [f"{some(removed, 'image')} left out"] if removed else []
    return " and ".join(parts)


def _joined(first: Predictions, second: Predictions) -> Predictions:
    return replace(
        first,
        logits=np.concatenate([first.logits, second.logits]),
        labels=np.concatenate([first.labels, second.labels]),
        ids=(*first.ids, *second.ids),
        hashes=(*first.hashes, *second.hashes),
        likeness=None,  # the figures by both are accuracies alone
        groups=None,
    )


def _figure(evaluation: ImageEvaluation) -> dict[str, Any]:
    if isinstance(evaluation, Evaluation):
        return {"accuracy": evaluation.accuracy.to_dict()}
    return {"mean_absolute_error": evaluation.mean_absolute_error.to_dict()}
