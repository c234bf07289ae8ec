"""The pictures of a look, written into the run: `look/`, with an index that the report reads."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from convscope.report.looking.answer import ABOUT, Answer
from convscope.report.looking.asking import LeftOut, Request, ask
from convscope.report.looking.subject import Subject
from convscope.report.page.html import write_report
from convscope.runs.folder import Run

FOLDER = "look"
INDEX = f"{FOLDER}/index.json"

# A sheet of photographs is several times as large as PNG than as JPEG, and the report has to hold it.
_MOST_PNG_BYTES = 250_000
_JPEG_QUALITY = 85


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
    for answer in ask(subject, request):
        if isinstance(answer, LeftOut):
            yield answer
            continue
        name, content = _as_file(subject, answer)
        subject.run.write_bytes(f"{FOLDER}/{name}", content)
        entries.append(_entry(subject, answer, name))
        _write_index(subject, entries)
        yield Written(subject.run.path / FOLDER / name, answer)
    if entries:
        write_report(subject.run.path)


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
    subject.run.write(INDEX, merged)


def _earlier(run: Run) -> list[dict[str, Any]]:
    return list(run.read(INDEX)) if run.has(INDEX) else []


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
        "alt": answer.picture.alt,
        "layer": answer.layer,
        "checkpoint": subject.checkpoint,
        "step": subject.step,
        "numbers": _plain(answer.numbers),
    }


def checkpoint_words(subject: Subject) -> str:
    """`before training`, or `after step 100`."""
    return "before training" if subject.checkpoint == "untrained" else f"after step {subject.step:,}"


def _as_file(subject: Subject, answer: Answer) -> tuple[str, bytes]:
    """A chart as SVG; pixels as PNG, or where that is large as JPEG."""
    prefix = "" if subject.checkpoint == "final" else f"{subject.checkpoint}-"
    stem, drawing = prefix + answer.name, answer.picture.drawing
    if not isinstance(drawing, Image.Image):
        return f"{stem}.svg", answer.picture.svg.encode()
    png = answer.picture.png
    if len(png) <= _MOST_PNG_BYTES:
        return f"{stem}.png", png
    file = io.BytesIO()
    drawing.convert("RGB").save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return f"{stem}.jpg", file.getvalue()


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
