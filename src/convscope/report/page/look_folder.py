"""The pictures of a look, written into the run: `look/`, with an index that the report reads."""

import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.looking.asking import ABOUT, LeftOut, Request, ask
from convscope.looking.subject import Subject
from convscope.report.page.html import write_report
from convscope.report.pictures.answer import Answer
from convscope.report.pictures.drawing import answers_to
from convscope.runs.folder import LOOKED, Run

FOLDER = "look"

_WEBP_QUALITY = 70


@dataclass(frozen=True)
class Written:
    """An answer, and the file that its picture went to."""

    path: Path
    answer: Answer


def write_look(subject: Subject, request: Request) -> Iterator[Written | LeftOut]:
    """Ask, write each picture as it is ready, and at the end rebuild the report.

    Only pictures of what was asked are overwritten. Those of earlier looks stay in the index as long as they
    show the same weights.

    Raises:
        UsageError: for a layer, class or subject that does not exist.
        RunError: when the disk refuses.
    """
    entries: list[dict[str, Any]] = []
    for seen in ask(subject, request):
        if isinstance(seen, LeftOut):
            yield seen
            continue
        for answer in answers_to(subject, seen):
            yield _write(subject, answer, entries)
    if entries:
        write_report(subject.run.path)


def _write(subject: Subject, answer: Answer, entries: list[dict[str, Any]]) -> Written:
    """Write one picture, and note it in `entries` and in the index."""
    name = _free_stem(subject, answer, [*entries, *_earlier(subject.run)]) + ".svg"
    subject.run.write_bytes(f"{FOLDER}/{name}", answer.picture.svg.encode())
    entries.append(_entry(subject, answer, name) | _write_sprite(subject, answer, name))
    _write_index(subject, entries)
    return Written(subject.run.path / FOLDER / name, answer)


def _write_sprite(subject: Subject, answer: Answer, name: str) -> dict[str, Any]:
    """Write the images of a picture's points beside it; what the index says of them."""
    if answer.sprite is None:
        return {}
    file = io.BytesIO()
    answer.sprite.image.save(file, "WEBP", quality=_WEBP_QUALITY)
    beside = f"{Path(name).stem.removesuffix(answer.name)}{answer.about}-images.webp"
    subject.run.write_bytes(f"{FOLDER}/{beside}", file.getvalue())
    return {"sprite": {"file": beside, "columns": answer.sprite.columns, "size": list(answer.sprite.size)}}


def _free_stem(subject: Subject, answer: Answer, taken: list[dict[str, Any]]) -> str:
    """The answer's name; numbered where a picture of other images has it already."""
    prefix = "" if subject.checkpoint == "final" else f"{subject.checkpoint}-"
    shows = {Path(entry["file"]).stem: str(entry.get("shows", "")) for entry in taken}
    first = prefix + answer.name
    stems = (first if number == 1 else f"{first}-{number}" for number in itertools.count(1))
    return next(stem for stem in stems if shows.get(stem, answer.shows) == answer.shows)


def _write_index(subject: Subject, entries: list[dict[str, Any]]) -> None:
    """Index the new pictures, and those of before that nothing has replaced or made untrue."""
    replaced = {Path(entry["file"]).stem for entry in entries}
    kept = [
        entry
        for entry in _earlier(subject.run)
        if Path(entry["file"]).stem not in replaced and not _is_stale(entry, subject)
    ]
    order = {about: place for place, about in enumerate(ABOUT)}
    merged = sorted(
        [*kept, *entries], key=lambda entry: (entry["checkpoint"] != "final", order.get(entry["about"], 99))
    )
    subject.run.write(LOOKED, merged)


def _earlier(run: Run) -> list[dict[str, Any]]:
    return list(run.read(LOOKED)) if run.has(LOOKED) else []


def _is_stale(entry: dict[str, Any], subject: Subject) -> bool:
    """Whether a checkpoint of this name has other weights than when the picture was made."""
    return bool(entry["checkpoint"] == subject.checkpoint and entry["step"] != subject.step)


def _entry(subject: Subject, answer: Answer, file: str) -> dict[str, Any]:
    when = "" if subject.checkpoint == "final" else f" ({checkpoint_words(subject)})"
    return {
        "file": file,
        "about": answer.about,
        "title": answer.title + when,
        "question": answer.question,
        "finding": answer.finding,
        "findings": [finding.to_dict() for finding in answer.findings],
        "alt": answer.picture.alt,
        "layer": answer.layer,
        "shows": answer.shows,
        "checkpoint": subject.checkpoint,
        "step": subject.step,
        "numbers": _plain(answer.numbers),
    }


def checkpoint_words(subject: Subject) -> str:
    """`before training`, or `after step 100`."""
    return "before training" if subject.checkpoint == "untrained" else f"after step {subject.step:,}"


def _plain(value: Any) -> Any:
    """JSON has no nan: None instead."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float():
            return value if math.isfinite(value) else None
    return value
