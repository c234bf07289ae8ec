"""`convscope runs`: what was trained in a folder, how well, and when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from convscope.cli.output import print_json, result_console
from convscope.errors import RunError
from convscope.wording import duration, here, some, with_ends

if TYPE_CHECKING:
    from rich.console import Console

    from convscope.comparison.overview import Listed
    from convscope.runs.standing import Standing

RUNS = Path("runs")
SortBy = Literal["when", "name", "data", "network", "validation", "test", "time"]
State = Literal["finished", "unfinished"]
STATES: "dict[Standing, str]" = {
    "done": "finished",
    "training": "in training",
    "stopped": "not finished",
    "diverged": "diverged",
    "damaged": "summary.json is damaged",
}
INTERVAL = "95 % interval"
COLUMNS = ("run", "data", "network", "validation", "test", INTERVAL, "time", "when", "state")
LEFT_OUT_FIRST = ("time", "when", "network", "validation", "data", "state")
"""Columns for which a narrow screen has no room."""


def runs(
    folder: Path = RUNS,
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
    from convscope.comparison.overview import read_group, read_listed
    from convscope.runs.listing import list_groups, list_runs

    if not folder.is_dir() and folder != RUNS:
        raise RunError(
            f"{here(folder)} does not exist. Runs lie where train --runs said: in {RUNS} unless given"
        )
    every = [read_listed(run.path) for run in list_runs(folder)]
    every += [read_group(path) for path in list_groups(folder)]
    every.sort(key=lambda run: run.when)
    wanted = [
        run
        for run in every
        if (data or "").casefold() in run.data.casefold()
        and (network or "").casefold() in run.network.casefold()
        and (state is None or _is_finished(run) == (state == "finished"))
    ]
    _sort(wanted, sort)
    if json:
        print_json({"runs": [_document(run) for run in wanted]})
    elif not every:
        result_console().print(f"no run in {here(folder)}. Make one with: convscope train digits")
    elif not wanted:
        result_console().print(f"none of the {len(every):,} runs in {here(folder)} is such a run")
    else:
        _print(result_console(), [_cells(run) for run in wanted])
    return 0


def _sort(found: list["Listed"], by: SortBy) -> None:
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
    from convscope.cli.screen import print_table

    columns = [column for column in COLUMNS if column == "run" or any(row[column] for row in rows)]
    cells = [tuple(row[column] for column in columns) for row in rows]
    print_table(
        console, tuple(columns), cells, left_out_first=[one for one in LEFT_OUT_FIRST if one in columns]
    )


def _is_finished(run: "Listed") -> bool:
    return run.standing == "done"


def _cells(run: "Listed") -> dict[str, str]:
    """By column."""
    return {
        "run": here(run.path) + ("" if run.seeds is None else f" ({some(run.seeds, 'seed')})"),
        "data": run.data,
        "network": run.network,
        "validation": _figure(run, "validation")[0],
        "test": _figure(run, "test")[0],
        INTERVAL: _figure(run, "test")[1],
        "time": "" if run.seconds is None else duration(run.seconds),
        "when": _moment(run.when).astimezone().strftime("%Y-%m-%d %H:%M"),
        "state": STATES[run.standing],
    }


def _figure(run: "Listed", split: str) -> tuple[str, str]:
    """`97.1 %` and `95.6–98.1`."""
    found = run.figure(split)
    if found is None:
        return ("no images" if run.summary else ""), ""
    return with_ends(*found)


def _document(run: "Listed") -> dict[str, Any]:
    """For JSON."""
    return {
        "run": str(run.path),
        **({} if run.seeds is None else {"seeds": run.seeds}),
        "data": run.data,
        "network": run.network,
        "when": _moment(run.when).isoformat(timespec="seconds"),
        "state": STATES[run.standing],
        "summary": run.summary,
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
