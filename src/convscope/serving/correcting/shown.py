"""What the page of errors shows of a run: its answers, the images that an address asks for, and the marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from convscope.runs.again import OUT_OF_SAMPLE
from convscope.runs.marks import marks_of
from convscope.serving.workbench import Entry
from convscope.wording import percent, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from convscope.data.corrections import Correction
    from convscope.diagnosis.finding import Finding
    from convscope.evaluation.predictions import Predictions
    from convscope.runs.folder import Run

A_PAGE = 24
"""Images on one page: each has a form of its own."""
REMOVED = "remove"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an address asks for, as it was typed.

    Attributes:
        split: whose answers; the first that there is unless given.
        true, predicted: classes by their index.
        view: `sure`, `labels`, `marked`, or `finding`.
        finding: which of the run's findings, by its place.
        page: of the images, from 1.
    """

    split: str = ""
    true: int | None = None
    predicted: int | None = None
    view: str = "sure"
    finding: int = 0
    page: int = 1

    def address(self, **others: Any) -> str:
        """The query that asks for this, with some of it other: `?true=4&predicted=9`."""
        values = vars(self) | {"page": 1} | others
        default = vars(Wish())
        query = {name: value for name, value in values.items() if value != default[name]}
        return "?" + urlencode(query)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One image.

    Attributes:
        content: the hash that names it.
        path: inside the source.
        label, answer: classes by index.
        probability: what the network gives its answer; `own` what it gives the label.
        mark: the class it was marked as, `remove`, or an empty text.
    """

    content: str
    path: str
    label: int
    answer: int
    probability: str
    own: str
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a run keeps of its answers.

    Attributes:
        by_split: to the images held out from it.
        all: to these together; or to all of its images, each by a head that was not fitted on it, where that
            was asked for (`has_all`).
    """

    by_split: dict[str, Predictions]
    all: Predictions
    has_all: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order; empty where the answers are numbers."""
        return self.all.class_names

    def of(self, split: str) -> Predictions:
        """Those of one split; all together where it is none of them."""
        return self.by_split.get(split, self.all)


def read_answers(run: Run) -> Answers | None:
    """None of a run that has judged nothing yet.

    Raises:
        RunError: a file is damaged.
    """
    from convscope.diagnosis.measuring import pool
    from convscope.evaluation.held_out import read_held_out
    from convscope.evaluation.predictions import has_predictions, read_predictions

    if run.summary() is None:
        return None
    if run.config.data.folds is not None:
        held_out = read_held_out(run)
        return Answers(by_split={"held out": held_out}, all=held_out, has_all=True)
    found = {
        split: read_predictions(run, split) for split in ("test", "validation") if has_predictions(run, split)
    }
    if has_predictions(run, OUT_OF_SAMPLE) and found:
        return Answers(by_split=found, all=read_predictions(run, OUT_OF_SAMPLE), has_all=True)
    return Answers(by_split=found, all=pool(list(found.values()))) if found else None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The images that an address asks for.

    Attributes:
        heading, caption: what they are.
        tiles: those on this page.
        count: of all of them.
        pages: how many pages they fill.
    """

    heading: str
    caption: str
    tiles: tuple[Tile, ...]
    count: int
    pages: int


def choose(entry: Entry, answers: Answers, wish: Wish, findings: Sequence[Finding]) -> Chosen:
    """What is shown, a page of it."""
    from convscope.evaluation.picking import cell, errors

    judged = answers.of(wish.split)
    names = answers.class_names
    if wish.true is not None or wish.predicted is not None:
        rows = cell(judged, wish.true, wish.predicted)
        return _page(entry, judged, rows, wish, *_cell_words(names, wish, len(judged)))
    if wish.view == "labels":
        judged = answers.all
        rows, caption = _suspects(judged)
        return _page(entry, judged, rows, wish, "Labels that are probably wrong", caption)
    if wish.view == "finding" and wish.finding < len(findings):
        judged, finding = answers.all, findings[wish.finding]
        return _page(entry, judged, _named(judged, finding.images), wish, finding.sentence, finding.evidence)
    if wish.view == "marked":
        judged = answers.all
        marked = {each.content for each in marks_of(entry.run)}
        rows = _where([content in marked for content in judged.hashes])
        return _page(entry, judged, rows, wish, "Marked", "These are corrected when you train again.")
    caption = f"Of {some(len(judged), 'image')}; those first of which the network is surest."
    return _page(entry, judged, errors(judged), wish, "Its surest mistakes", caption)


def _cell_words(names: Sequence[str], wish: Wish, total: int) -> tuple[str, str]:
    true = "" if wish.true is None else names[wish.true]
    predicted = "" if wish.predicted is None else names[wish.predicted]
    caption = f"Of {some(total, 'image')}; those first of which the network is surest."
    if not true:
        return f"Taken for “{predicted}”", caption
    if not predicted:
        return f"Labelled “{true}”", caption
    if wish.true == wish.predicted:
        return f"“{true}”, and rightly so", caption
    return f"“{true}” taken for “{predicted}”", caption


def _suspects(judged: Predictions) -> tuple[NDArray[np.int64], str]:
    import numpy as np
    from scipy.special import softmax

    from convscope.diagnosis.rules.labels import confidently_other, estimated_count, likeliest_wrong

    probabilities = softmax(judged.logits.astype(np.float64), axis=1)
    ranked = likeliest_wrong(probabilities, judged.labels)
    suspicious = confidently_other(probabilities, judged.labels)
    count, low, high = estimated_count(probabilities, judged.labels)
    rows = ranked[suspicious[ranked]]
    return rows, (
        f"About {count:,} of {len(judged):,} labels (95 % interval {low:,}–{high:,}) are not what the "
        "network is sure of; hard images are among them. Those first whose label it believes least."
    )


def _named(judged: Predictions, ids: Sequence[str]) -> NDArray[np.int64]:
    import numpy as np

    row_of = {name: row for row, name in enumerate(judged.ids)}
    return np.array([row_of[name] for name in ids if name in row_of], dtype=np.int64)


def _where(chosen: Sequence[bool]) -> NDArray[np.int64]:
    import numpy as np

    return np.flatnonzero(np.array(chosen, dtype=bool))


def _page(
    entry: Entry, judged: Predictions, rows: NDArray[np.int64], wish: Wish, heading: str, caption: str
) -> Chosen:
    pages = max(1, -(-len(rows) // A_PAGE))
    at = min(max(1, wish.page), pages)
    marks = {each.content: each for each in marks_of(entry.run)}
    chosen = rows[(at - 1) * A_PAGE : at * A_PAGE]
    return Chosen(
        heading=heading,
        caption=caption,
        tiles=tuple(_tile(judged, row, marks) for row in chosen.tolist()),
        count=len(rows),
        pages=pages,
    )


def _tile(judged: Predictions, row: int, marks: dict[str, Correction]) -> Tile:
    import numpy as np
    from scipy.special import softmax

    probabilities = softmax(judged.logits[row].astype(np.float64))
    label, answer = int(judged.labels[row]), int(judged.predicted[row])
    content = judged.hashes[row] if judged.hashes else ""
    marked = marks.get(content)
    return Tile(
        content=content,
        path=judged.ids[row],
        label=label,
        answer=answer,
        probability=_unbroken(float(probabilities[answer])),
        own=_unbroken(float(probabilities[label])),
        mark="" if marked is None else REMOVED if marked.new is None else marked.new,
    )


def _unbroken(share: float) -> str:
    """A percentage that stays in one line."""
    return percent(share, 1).replace(" ", "\N{NO-BREAK SPACE}")
