"""A pretrained network's head fitted again on corrected labels, beside the head that it had before.

Both heads see the same features, so all that differs is the labels that they were fitted on. Both are judged
by the corrected labels, on images that neither was fitted on.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from convscope.classifier.classifier import Classifier
from convscope.comparison.estimate import Estimate, of_means, of_shares
from convscope.comparison.pairing import Paired, pair
from convscope.config.experiment_file import override
from convscope.config.resolved import resolve
from convscope.data.corrections import Correction, beyond, read_corrections
from convscope.diagnosis.measuring import pool
from convscope.errors import RunError, UsageError
from convscope.evaluation.corrected import relabelled
from convscope.evaluation.evaluating import load_own_data
from convscope.evaluation.held_out import pool_held_out, read_held_out
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.evaluation.proportion import Proportion
from convscope.networks.pretrained import is_pretrained
from convscope.runs.again import REFIT, is_refittable, train_again
from convscope.runs.checkpoint_names import HEAD
from convscope.runs.folder import CORRECTIONS, Run
from convscope.runs.names import next_number
from convscope.training.fine_tuning.features import head_outputs
from convscope.training.fine_tuning.refitting import fit_head_again
from convscope.training.progress import Choice, Progress, Silent
from convscope.wording import here, some

_HELD_OUT = ("validation", "test")
"""Neither was looked at when a head was fitted: its strength is chosen on folds of the training images."""
_KINDS = ("right now", "wrong now", "wrong still")


@dataclass(frozen=True, kw_only=True)
class Flip:
    """An image held out whose answer is another now.

    Attributes:
        path: inside the source.
        content: the hash of its content.
        label: as corrected.
        before: what the old head answered.
        after: what the new one does.
        probability: which it gives its answer, 0 to 1.
    """

    path: str
    content: str
    label: str
    before: str
    after: str
    probability: float

    @property
    def kind(self) -> str:
        """`right now`, `wrong now` or `wrong still`."""
        if self.after == self.label:
            return "right now"
        return "wrong now" if self.before == self.label else "wrong still"


@dataclass(frozen=True, kw_only=True)
class Refitted:
    """What came of it.

    Attributes:
        run: the new one.
        parent: the name of the run whose head it was.
        corrections: how many lines the table of corrections has.
        before, after: how many of the images held out each head has right, by the corrected labels.
        difference: after minus before, from the same images.
        test: what its p-value is of.
        flips: the images whose answer changed, those that are right now first.
        seconds: that it all took.
        was_tuned: whether the parent's classifier is a fine-tuned network, which its head is only a part of.
    """

    run: Path
    parent: str
    corrections: int
    before: Proportion
    after: Proportion
    difference: Estimate
    test: str
    flips: tuple[Flip, ...]
    seconds: float
    was_tuned: bool

    @property
    def said(self) -> str:
        """In a sentence or two."""
        counts = {kind: sum(flip.kind == kind for flip in self.flips) for kind in _KINDS}
        flipped = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
        of = some(self.before.n, "image")
        if not self.flips:
            return f"no answer to {of} held out changed"
        points = f"{100 * self.difference.value:+.1f}".replace("-", "−")
        return (
            f"{some(len(self.flips), 'answer')} to {of} held out changed: {flipped}. By the corrected labels "
            f"that is {points} points, {self._how_sure}"
        )

    @property
    def _how_sure(self) -> str:
        found = self.difference
        if math.isnan(found.p_value):
            return "the same in all that is counted: how sure that is cannot be told"
        ends = " to ".join(f"{100 * end:+.1f}" for end in found.interval).replace("-", "−")
        sure = "" if found.is_sure else "; that may be chance"
        return f"95 % interval {ends} ({self.test} p = {found.p_value:.2g}){sure}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON, and as the new run keeps it."""
        return {
            "run": str(self.run),
            "parent": self.parent,
            "corrections": self.corrections,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "difference": self.difference.to_dict(),
            "flips": [{**vars(flip), "kind": flip.kind} for flip in self.flips],
            "said": self.said,
            "seconds": round(self.seconds, 2),
            "was_tuned": self.was_tuned,
        }


def refit(
    parent: Path, corrections: Path, *, name: str | None = None, progress: Progress | None = None
) -> Refitted:
    """Fit the head of a run again with its labels corrected; the new run stands beside the old one.

    Args:
        parent: a finished run of a pretrained network that tells classes apart.
        corrections: a table of all corrections that are to hold, the parent's own among them.
        name: of the new run; `PARENT-corrected-NUMBER` unless given.
        progress: who listens.

    Raises:
        UsageError: the run cannot be refitted; says how to train it again.
        DataError, RunError: see `convscope.errors`.
    """
    begun = time.perf_counter()
    run = Run.open(parent)
    refuse_refit(run, corrections)
    stem = f"{run.path.resolve().name}-corrected"
    folder = run.path.resolve().parent
    config = resolve(
        override(run.config, {"data.source": run.data.source, "data.corrections": str(corrections)})
    )
    told = Choice("parent", run.path.resolve().name, f"its head, fitted again: {here(corrections)}")
    made = fit_head_again(
        config,
        runs=folder,
        name=name or f"{stem}-{next_number(folder, stem)}",
        told=told,
        progress=progress or Silent(),
    )
    found = _compare(run, made, begun)
    made.write(REFIT, found.to_dict())
    return found


def refuse_refit(run: Run, corrections: Path) -> None:
    """Stop where no head of a run can be fitted again.

    Raises:
        RunError: it is not finished.
        UsageError: it has no such head; says how to train it again.
    """
    if run.summary() is None:
        raise RunError(f"{here(run.path)} is not finished: there is no head to fit again yet")
    if not is_refittable(run):
        why = (
            "was trained from scratch, so no head of it can be fitted alone"
            if not is_pretrained(run.config.network.name)
            else "answers with numbers, of which none flips"
        )
        raise UsageError(f"{here(run.path)} {why}. Train it again with: {train_again(run, corrections)}")


def _compare(parent: Run, made: Run, begun: float) -> Refitted:
    corrections = _corrections(made)
    since = beyond(_corrections(parent), corrections)
    old, new = relabelled(_answers_before(parent), since), _answers(made)
    paired = pair([old, new], [parent.name, made.name])
    before, after = paired.answers
    names, probabilities = paired.class_names, softmax(new.logits.astype(np.float64), axis=1)
    flips = [
        Flip(
            path=paired.ids[row],
            content=new.hashes[paired.rows[1][row]],
            label=names[paired.labels[row]],
            before=names[before[row]],
            after=names[after[row]],
            probability=float(probabilities[paired.rows[1][row]].max()),
        )
        for row in np.flatnonzero(before != after).tolist()
    ]
    summary = parent.summary() or {}
    difference, test = _difference(paired)
    return Refitted(
        run=made.path,
        parent=parent.path.resolve().name,
        corrections=len(corrections),
        before=Proportion(int(paired.right[0].sum()), len(paired)),
        after=Proportion(int(paired.right[1].sum()), len(paired)),
        difference=difference,
        test=test,
        flips=tuple(sorted(flips, key=lambda flip: (_KINDS.index(flip.kind), -flip.probability))),
        seconds=time.perf_counter() - begun,
        was_tuned=summary.get("checkpoint") != HEAD,
    )


def _difference(paired: Paired) -> tuple[Estimate, str]:
    """Of two heads, and the name of the test; images that belong together are right or wrong together."""
    if paired.groups is None:
        return of_shares(paired.right[0], paired.right[1]), "mid-p McNemar"
    test = f"Student's paired test over {len(np.unique(paired.groups)):,} series,"
    return of_means(*paired.by_groups(paired.right), n=len(paired), is_share=True), test


def _corrections(run: Run) -> tuple[Correction, ...]:
    return read_corrections(run.path / CORRECTIONS) if run.has(CORRECTIONS) else ()


def _answers_before(run: Run) -> Predictions:
    """What the head of a run says of the images held out from it, beside its labels."""
    folds = run.config.data.folds
    if folds is not None:
        parts = [Run(run.path / "folds" / f"repeat-1-fold-{number}") for number in range(1, folds + 1)]
        if all(has_predictions(part, HEAD) for part in parts):
            return pool_held_out([read_predictions(part, HEAD) for part in parts])
        return read_held_out(run)  # the head is all that was fitted
    classifier = Classifier.load(run.path, HEAD)
    dataset = load_own_data(run.path, classifier)
    found = []
    for split in _HELD_OUT:
        images = dataset.splits[split]
        if len(images):
            outputs = head_outputs(classifier.network, classifier.preprocessing, images.images)
            found.append(Predictions.of(classifier.target, outputs.numpy(), images, split))
    return _pooled(run, found)


def _answers(made: Run) -> Predictions:
    """What the new head says of the images held out from it."""
    if made.config.data.folds is not None:
        return read_held_out(made)
    found = [read_predictions(made, split) for split in _HELD_OUT if has_predictions(made, split)]
    return _pooled(made, found)


def _pooled(run: Run, parts: list[Predictions]) -> Predictions:
    if not parts:
        raise RunError(f"{here(run.path)} holds no image out: what flips cannot be told")
    return pool(parts)
