"""`convscope runs`: what was trained in a folder, how well, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len

from convscope.cli.output import print_json, result_console
from convscope.errors import RunError
from convscope.wording import duration, here, listed, percent, percent_decimals, rounded, some

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.runs.folder import Run

SortBy = Literal["when", "name", "data", "network", "validation", "test", "time"]
State = Literal["finished", "unfinished"]
FINISHED, UNFINISHED, DAMAGED = "finished", "not finished", "summary.json is damaged"
COLUMNS = ("run", "data", "network", "validation", "test", "interval", "time", "when", "state")
LEFT_OUT_FIRST = ("time", "when", "network", "validation", "data", "state")
"""Columns for which a narrow screen has no room."""

GAP = 2
WORST = float("-inf")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A run as it is listed.

    Attributes:
        when: it was begun, in seconds since 1970.
        summary: None where it is not finished, or damaged, as `state` says; of a group, its means.
        seeds: of a group, how many runs it has; None of a run.
    """

    path: Path
    data: str
    network: str
    when: float
    state: str
    summary: dict[str, Any] | None
    seeds: int | None = None

    @property
    def seconds(self) -> float | None:
        """Of the whole training."""
        seconds: float | None = (self.summary or {}).get("seconds", {}).get("total")
        return seconds

    def score(self, split: str) -> float:
        """Its accuracy on a split; minus its mean absolute error; less than any where it has none."""
        figures = (self.summary or {}).get(split, {})
        if "accuracy" in figures:
            return float(figures["accuracy"]["value"])
        return -float(figures["mean_absolute_error"]["value"]) if "mean_absolute_error" in figures else WORST

    def cells(self) -> dict[str, str]:
        """By column."""
        return {
            "run": here(self.path) + ("" if self.seeds is None else f" ({some(self.seeds, 'seed')})"),
            "data": self.data,
            "network": self.network,
            "validation": self._figure("validation")[0],
            "test": self._figure("test")[0],
            "interval": self._figure("test")[1],
            "time": "" if self.seconds is None else duration(self.seconds),
            "when": _moment(self.when).astimezone().strftime("%Y-%m-%d %H:%M"),
            "state": self.state,
        }

    def _figure(self, split: str) -> tuple[str, str]:
        """`97.1 %` and `95.6–98.1`."""
        figures = (self.summary or {}).get(split, {})
        if "accuracy" in figures:
            accuracy = figures["accuracy"]
            decimals = percent_decimals(accuracy["n"])
            ends = "–".join(f"{100 * end:.{decimals}f}" for end in accuracy["interval"])
            return percent(accuracy["value"], decimals), ends
        if "mean_absolute_error" in figures:
            error = figures["mean_absolute_error"]
            ends = "–".join(rounded(end) for end in error["interval"] if end is not None)
            return f"off by {rounded(error['value'])}", ends
        return ("no images" if self.summary else ""), ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "run": str(self.path),
            **({} if self.seeds is None else {"seeds": self.seeds}),
            "data": self.data,
            "network": self.network,
            "when": _moment(self.when).isoformat(timespec="seconds"),
            "state": self.state,
            "summary": self.summary,
        }


def runs(
    folder: Path = Path("runs"),
    /,
    *,
    sort: SortBy = "when",
    data: str | None = None,
    network: str | None = None,
    state: State | None = None,
    json: bool = False,
) -> int:
    """The runs of a folder: data, network, validation and test with its 95 % interval, time, when and state.

    Parameters
    ----------
    folder
        Where the runs are.
    sort
        when puts the oldest first; validation and test the best, time the shortest.
    data
        Only runs on data with this in the name.
    network
        Only runs of networks with this in the name.
    state
        Only those that are finished, or are not.
    json
        Print one JSON document on stdout.
    """
    from convscope.runs.listing import list_groups, list_runs

    every = [_listed(run) for run in list_runs(folder)] + [_group(path) for path in list_groups(folder)]
    every.sort(key=lambda run: run.when)
    wanted = [
        run
        for run in every
        if (data or "").casefold() in run.data.casefold()
        and (network or "").casefold() in run.network.casefold()
        and (state is None or (run.state == FINISHED) == (state == FINISHED))
    ]
    _sort(wanted, sort)
    if json:
        print_json({"runs": [run.to_dict() for run in wanted]})
    elif not every:
        result_console().print(f"no run in {here(folder)}. Make one with: convscope train digits")
    elif not wanted:
        result_console().print(f"none of the {len(every):,} runs in {here(folder)} is such a run")
    else:
        _print(result_console(), [run.cells() for run in wanted])
    return 0


def _sort(found: list[Listed], by: SortBy) -> None:
    """Of equals the older one first."""
    match by:
        case "when":
            pass
        case "name":
            found.sort(key=lambda run: run.path.name)
        case "data":
            found.sort(key=lambda run: run.data)
        case "network":
            found.sort(key=lambda run: run.network)
        case "validation" | "test":
            found.sort(key=lambda run: -run.score(by))
        case "time":
            found.sort(key=lambda run: float("inf") if run.seconds is None else run.seconds)


def _print(console: "Console", rows: Sequence[dict[str, str]]) -> None:
    from convscope.cli.screen import print_line, print_table

    columns = [column for column in COLUMNS if column == "run" or any(row[column] for row in rows)]
    left_out = []
    for column in LEFT_OUT_FIRST:
        if _width(columns, rows) > console.width and column in columns:
            columns.remove(column)
            left_out.append(column)
    head = tuple("95 % interval" if column == "interval" else column for column in columns)
    print_table(console, head, [tuple(row[column] for column in columns) for row in rows])
    if left_out:
        console.print()
        print_line(console, "left out", listed(left_out), "a wider screen, or --json, has them")


def _width(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> int:
    heads = {"interval": "95 % interval"}
    return sum(
        GAP + max(cell_len(heads.get(column, column)), *(cell_len(row[column]) for row in rows))
        for column in columns
    )


def _listed(run: "Run") -> Listed:
    """One that is damaged does not hide the others."""
    state, summary = _end_of(run)
    config = _read(run, "config.json")
    source = _setting(config, "data", "source")
    return Listed(
        path=run.path,
        data=str(_read(run, "dataset.json").get("name") or Path(source).name),
        network=_setting(config, "network", "name"),
        when=(run.path / "config.json").stat().st_mtime,
        state=state,
        summary=summary,
    )


def _setting(config: dict[str, Any], table: str, name: str) -> str:
    """Empty where the file does not say it."""
    values = config.get(table)
    return str(values.get(name, "")) if isinstance(values, dict) else ""


def _group(path: Path) -> Listed:
    """A group of seeds in one line: the mean of its runs, with its interval over them."""
    from convscope.runs.folder import Run
    from convscope.runs.listing import seed_runs
    from convscope.trials.seeds import Group

    first, group = _listed(Run(seed_runs(path)[0])), Group(path)
    means = {split: found for split in ("validation", "test") if (found := group.summary(split)) is not None}
    summary = {"seconds": {"total": group.total_seconds}, **means} if group.runs else None
    state = FINISHED if len(group.runs) == len(seed_runs(path)) else UNFINISHED
    return replace(first, path=path, state=state, summary=summary, seeds=len(group.runs))


def _end_of(run: "Run") -> tuple[str, dict[str, Any] | None]:
    """How a run ended, and its summary."""
    if not run.has("summary.json"):
        return UNFINISHED, None
    summary = _read(run, "summary.json")
    return (FINISHED, summary) if {"network", "steps"} <= summary.keys() else (DAMAGED, None)


def _read(run: "Run", name: str) -> dict[str, Any]:
    """A JSON file of the run; empty where it is absent or damaged."""
    try:
        found = run.read(name)
    except RunError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
