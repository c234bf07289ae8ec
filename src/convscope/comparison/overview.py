"""What a folder of runs holds, a line each: single runs, and groups of seeds with their mean and band."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convscope.comparison.over_seeds import summary_over
from convscope.errors import RunError
from convscope.runs import atomic
from convscope.runs.folder import CONFIG, DATASET, SUMMARY, Run
from convscope.runs.listing import seed_runs
from convscope.runs.lock import FILE as LOCK
from convscope.runs.records import Record
from convscope.runs.standing import DIVERGED, Standing, divergence, standing_of
from convscope.runs.tailing import Tail

WORST = float("-inf")

_KEPT = ("network", "steps", "epochs", "seconds", "parameters", "folds")
"""Of a summary, beside the splits' figures: the rest is large, and nothing in a list."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A run as it is listed, or a group of seeds as one.

    Attributes:
        data: what its data are called.
        when: it was begun, in seconds since 1970.
        standing: of a group, of all its runs together.
        summary: None where it is not finished, or damaged; of a group, its means.
        last: the newest record, while there is no summary.
        validation: the newest record of the validation split, likewise.
        length: of training, in steps and in epochs, as far as it was asked for.
        why: it diverged; empty where it did not.
        members: of a group, its runs in the order of their seeds.
    """

    path: Path
    data: str
    network: str
    when: float
    standing: Standing
    summary: dict[str, Any] | None
    last: Record | None = None
    validation: Record | None = None
    length: tuple[int | None, int | None] = (None, None)
    why: str = ""
    members: tuple["Listed", ...] = ()

    @property
    def seconds(self) -> float | None:
        """Of the whole training; of all of them, of a group."""
        seconds: float | None = (self.summary or {}).get("seconds", {}).get("total")
        return seconds

    @property
    def seeds(self) -> int | None:
        """Of a group, how many of its runs are finished; None of a run."""
        if not self.members:
            return None
        return sum(each.standing == "done" for each in self.members)

    def figure(self, split: str) -> tuple[str, dict[str, Any]] | None:
        """Its accuracy on a split, or its mean absolute error: the name; value, interval, and n, the images.

        Of a cross-validated run, `test` is what was held out from its folds: their mean, of all those images.
        """
        summary = self.summary or {}
        judged = summary.get(split) or {}
        folds = summary.get("folds") if split == "test" else None
        for name in ("accuracy", "mean_absolute_error"):
            figure = (folds or judged).get(name)
            if isinstance(figure, dict):
                return name, figure | {"n": (judged.get(name) or {}).get("n")}
        return None

    def score(self, split: str) -> float:
        """Its accuracy on a split; minus its mean absolute error; less than any where it has none."""
        found = self.figure(split)
        if found is None:
            return WORST
        name, figure = found
        value = float(figure.get("value", WORST))
        return value if name == "accuracy" else -value

    @property
    def progress(self) -> float | None:
        """How much of the training is done, 0 to 1; None where that cannot be known."""
        steps, epochs = self.length
        last = self.last or {}
        done, whole = (last.get("step"), steps) if steps else (last.get("epoch"), epochs)
        return min(1.0, done / whole) if done is not None and whole else None


def read_listed(path: Path) -> Listed:
    """One run; a damaged one does not hide the others."""
    run = Run(path)
    summary = _read(run, SUMMARY)
    standing = standing_of(run, summary)
    config = _read(run, CONFIG)
    training = config.get("training") if isinstance(config.get("training"), dict) else {}
    source = _setting(config, "data", "source")
    return Listed(
        path=path,
        data=str(_read(run, DATASET).get("name") or Path(source).name),
        network=_setting(config, "network", "name"),
        when=_modified(path / CONFIG),
        standing=standing,
        summary=summary if standing == "done" else None,
        length=(_count(training, "steps"), _count(training, "epochs")),
        why=divergence(run) if standing == "diverged" else "",
    )


def as_group(path: Path, members: Sequence[Listed]) -> Listed:
    """A group of seeds in one line: the mean of its runs, with its interval over them."""
    finished = [each.summary for each in members if each.summary is not None]
    means = {split: mean for split in ("validation", "test") if (mean := summary_over(finished, split))}
    seconds = sum(float(each.get("seconds", {}).get("total") or 0.0) for each in finished)
    return replace(
        members[0],
        path=path,
        standing=_together([each.standing for each in members]),
        summary={"seconds": {"total": seconds}, **means} if finished else None,
        members=tuple(members),
    )


def read_group(path: Path) -> Listed:
    """A group, read from its folder."""
    return as_group(path, [read_listed(run) for run in seed_runs(path)])


class Overview:
    """A folder's runs and groups, each read again only where its files changed; safe to share.

    A thousand finished runs are listed by looking at their files' times alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[_Signature, Listed]] = {}
        self._tails: dict[Path, tuple[Tail, list[Record]]] = {}
        self._lock = threading.Lock()

    def listed(self) -> list[Listed]:
        """All runs and groups, oldest first; those of before that are gone are forgotten."""
        with self._lock:
            found = [listed for path in self._folders() if (listed := self._run_or_group(path)) is not None]
            there = {each.path for every in found for each in (every, *every.members)}
            self._known = {path: known for path, known in self._known.items() if path in there}
            self._tails = {path: tail for path, tail in self._tails.items() if path in there}
            return sorted(found, key=lambda each: (each.when, each.path))

    def _folders(self) -> list[Path]:
        """What may be a run or a group; a folder that is a run itself holds that one."""
        if (self.folder / CONFIG).is_file():
            return [self.folder]
        try:
            return [path for path in self.folder.iterdir() if not path.name.startswith(atomic.PREFIX)]
        except OSError:  # not there yet, or not to be read
            return []

    def _run_or_group(self, path: Path) -> Listed | None:
        signature = _signature(path)
        if signature:
            return self._one(path, signature)
        members = [self._one(run, _signature(run)) for run in seed_runs(path)]
        return as_group(path, members) if members else None

    def _one(self, path: Path, signature: "_Signature") -> Listed:
        known = self._known.get(path)
        if known is not None and known[0] == signature and known[1].standing != "training":
            return known[1]
        listed = read_listed(path)
        if listed.summary is None:
            listed = self._with_progress(listed)
        else:
            listed = replace(listed, summary=_brief(listed.summary))
            self._tails.pop(path, None)
        self._known[path] = (signature, listed)
        return listed

    def _with_progress(self, listed: Listed) -> Listed:
        """What its newest records say."""
        tail, newest = self._tails.setdefault(listed.path, (Tail(Run(listed.path).metrics_path), []))
        news = tail.news()
        if news.is_anew:
            newest.clear()
        for record in news.records:
            newest[:] = [each for each in newest if each.get("split") != record.get("split")] + [record]
        validation = next((each for each in newest if each.get("split") == "validation"), None)
        return replace(listed, last=newest[-1] if newest else None, validation=validation)


_Signature = tuple[tuple[str, int, int], ...]
_FILES = frozenset({CONFIG, DATASET, SUMMARY, DIVERGED, LOCK, "metrics.jsonl"})


def _signature(path: Path) -> _Signature:
    """Name, time and size of each file that a line is made of; empty of what is no run."""
    found = []
    with suppress(OSError), os.scandir(path) as entries:  # cheaper than to ask for each by its path
        for entry in entries:
            if entry.name in _FILES:
                with suppress(OSError):  # removed meanwhile
                    stat = entry.stat()
                    found.append((entry.name, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found)) if any(name == CONFIG for name, _, _ in found) else ()


def _together(standings: Sequence[Standing]) -> Standing:
    order: tuple[Standing, ...] = ("training", "damaged", "diverged", "stopped", "done")
    return next(each for each in order if each in standings)


def _brief(summary: dict[str, Any]) -> dict[str, Any]:
    brief = {name: summary[name] for name in _KEPT if name in summary}
    for split in ("validation", "test"):
        figures = summary.get(split) or {}
        kept = {name: figures[name] for name in ("accuracy", "mean_absolute_error") if name in figures}
        if kept:
            brief[split] = kept
    return brief


def _setting(config: dict[str, Any], table: str, name: str) -> str:
    """Empty where the file does not say it."""
    values = config.get(table)
    return str(values.get(name, "")) if isinstance(values, dict) else ""


def _count(training: Any, name: str) -> int | None:
    value = training.get(name)
    return value if isinstance(value, int) else None


def _read(run: Run, name: str) -> dict[str, Any]:
    """A JSON file of the run; empty where it is absent or damaged."""
    try:
        found = run.read(name)
    except RunError:
        return {}
    return found if isinstance(found, dict) else {}


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0
