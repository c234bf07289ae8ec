"""A line of the list of runs: what it says, and what it is sorted and found by."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from convscope.comparison.overview import Listed
from convscope.runs.standing import Standing
from convscope.serving.workbench import Entry, Row, Workbench, name_of
from convscope.wording import duration, percent, percent_decimals, shown, some, with_ends

STATES: Final[dict[Standing, str]] = {
    "training": "training",
    "done": "done",
    "stopped": "stopped",
    "diverged": "diverged",
    "damaged": "damaged",
}

SORTS: Final = ("when", "name", "data", "network", "accuracy", "time", "state")
"""What a list is sorted by; the first unless asked otherwise."""

DESCENDING: Final = frozenset({"when", "accuracy"})
"""Newest and best first."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A run, or a group of seeds as one, in the words of the list.

    Attributes:
        id: what a comparison names it by.
        address: of its page; empty of a group, which has none.
        figure, interval: its accuracy, or how far it is off, with its 95 % interval or band.
        of: which images, and how many seeds.
        span: of an accuracy, value, and lower and upper end of the interval, 0 to 1.
        progress: how much of the training is done, 0 to 1; None unless it trains.
        notes: what belongs to its state: how far it came, why it diverged.
        lines: of a group, its runs.
    """

    id: str
    address: str
    name: str
    data: str
    network: str
    figure: str
    interval: str
    of: str
    span: tuple[float, float, float] | None
    time: str
    when: str
    moment: str
    state: Standing
    progress: float | None
    notes: str
    score: float | None
    seconds: float | None
    began: float
    lines: tuple["Line", ...] = field(default=())

    @property
    def text(self) -> str:
        """What it is found by, in small letters."""
        words = (self.name, self.data, self.network, STATES[self.state], *(each.name for each in self.lines))
        return " ".join(words).casefold()

    @property
    def can_be_compared(self) -> bool:
        """Whether it has answers that a comparison can read."""
        return self.state == "done" or any(each.state == "done" for each in self.lines)


def lines_of(workbench: Workbench) -> list[Line]:
    """Every run and group of the folder, the newest first."""
    lines = [_line(row) for row in workbench.rows().values()]
    return sorted(lines, key=lambda line: -line.began)


def chosen(lines: Iterable[Line], *, words: str = "", state: str = "", sort: str = "") -> list[Line]:
    """Those with all the words in them and that state, sorted; of equals the newer one first."""
    wanted = words.casefold().split()
    found = [
        line for line in lines if all(word in line.text for word in wanted) and state in ("", line.state)
    ]
    match sort:
        case "name" | "data" | "network" | "state":
            found.sort(key=lambda line: str(getattr(line, sort)).casefold())
        case "accuracy":
            found.sort(key=lambda line: float("inf") if line.score is None else -line.score)
        case "time":
            found.sort(key=lambda line: float("inf") if line.seconds is None else line.seconds)
        case _:
            pass
    return found


def lowest(lines: Iterable[Line]) -> float:
    """Where the drawn scale of the accuracies begins: a tenth below all of them."""
    ends = [line.span[1] for line in lines if line.span is not None]
    return min(0.9, max(0.0, int(10 * min(ends, default=0.0)) / 10))


def line_of(entry: Entry) -> Line:
    """A single run, or one of a group."""
    return _described(entry.id, entry.address, name_of(entry.run.path), entry.listed, ())


def _line(row: Row) -> Line:
    if not row.listed.members:
        return line_of(row.runs[0])
    members = tuple(map(line_of, row.runs))
    return _described(row.id, "", row.listed.path.name, row.listed, members)


def _described(id: str, address: str, name: str, listed: Listed, lines: tuple[Line, ...]) -> Line:
    figure, interval, of, span = _figure(listed)
    began = datetime.fromtimestamp(listed.when, UTC)
    return Line(
        id=id,
        address=address,
        name=shown(name),
        data=shown(listed.data),
        network=shown(listed.network),
        figure=figure,
        interval=interval,
        of=of,
        span=span,
        time="" if listed.seconds is None else duration(listed.seconds),
        when=began.astimezone().strftime("%Y-%m-%d %H:%M"),
        moment=began.isoformat(timespec="seconds"),
        state=listed.standing,
        progress=listed.progress if listed.standing == "training" else None,
        notes=_notes(listed),
        score=_accuracy(listed),
        seconds=listed.seconds,
        began=listed.when,
        lines=lines,
    )


def _figure(listed: Listed) -> tuple[str, str, str, tuple[float, float, float] | None]:
    """The figure that the list shows: of the test split, or else of validation, or what it is so far."""
    split = "test" if listed.figure("test") is not None else "validation"
    found = listed.figure(split)
    if found is None:
        return _so_far(listed)
    name, figure = found
    said, interval = with_ends(name, figure)
    is_drawn = name == "accuracy" and None not in figure["interval"]
    span = (float(figure["value"]), *figure["interval"]) if is_drawn else None
    return said, interval, _judged_by(listed, split, figure), span


def _accuracy(listed: Listed) -> float | None:
    """What the list is sorted by: of a finished run, with an interval or without."""
    found = listed.figure("test") or listed.figure("validation")
    return float(found[1]["value"]) if found is not None and found[0] == "accuracy" else None


def _judged_by(listed: Listed, split: str, figure: dict[str, Any]) -> str:
    """Which images, and how many; of a group, how many seeds."""
    if listed.seeds:
        return f"{split}, mean of {some(listed.seeds, 'seed')}"
    images = some(int(figure["n"]), "image") if figure.get("n") else ""
    if (listed.summary or {}).get("folds"):
        return f"of {images} held out" if images else "held out"
    return f"{split}, {images}" if images else split


def _so_far(listed: Listed) -> tuple[str, str, str, None]:
    accuracy = (listed.validation or {}).get("accuracy")
    if not isinstance(accuracy, int | float):
        return "", "", "", None
    images = (listed.validation or {}).get("images")
    return percent(accuracy, percent_decimals(images)), "", "validation, so far", None


def _notes(listed: Listed) -> str:
    if listed.standing == "done" or listed.members:
        done = sum(each.standing == "done" for each in listed.members)
        return f"{done} of {len(listed.members)} done" if done < len(listed.members) else ""
    if listed.standing == "diverged":
        return shown(listed.why.partition("\n")[0])
    if listed.standing == "damaged":
        return "its figures cannot be read"
    step = (listed.last or {}).get("step")
    if step is None:
        return "" if listed.standing == "training" else "before its first record"
    how_far = f"{listed.progress:.0%}".replace("%", " %") if listed.progress is not None else ""
    return ", ".join(each for each in (f"step {step:,}", how_far) if each)
