"""`convscope networks`, `datasets` and `runs`: what there is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.cli.output import print_json, result_console
from convscope.errors import RunError
from convscope.wording import duration, here

if TYPE_CHECKING:
    from convscope.runs.folder import Run


def networks(*, json: bool = False) -> int:
    """List the networks of the package.

    Parameters
    ----------
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_columns
    from convscope.networks.catalogue import CATALOGUE, FROM_ELSEWHERE

    rows = [*((entry.name, entry.description) for entry in CATALOGUE), *FROM_ELSEWHERE]
    if json:
        print_json({"networks": [{"name": name, "description": text} for name, text in rows]})
    else:
        print_columns(result_console(), rows)
    return 0


def datasets(*, json: bool = False) -> int:
    """List the data sets that have a name, and whether they are on this machine.

    Parameters
    ----------
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_columns
    from convscope.data.sources.named import NAMED_SETS

    rows = [(each.name, "here" if each.is_here() else "to download", each.description) for each in NAMED_SETS]
    rows.append(("counting:1-5", "generated", "circles to count, 1,000 images a class; any range"))
    if json:
        print_json(
            {"datasets": [{"name": n, "state": state, "description": text} for n, state, text in rows]}
        )
    else:
        print_columns(result_console(), rows)
    return 0


def runs(folder: Path = Path("runs"), /, *, json: bool = False) -> int:
    """List the runs of a folder, oldest first.

    Parameters
    ----------
    folder
        Where the runs are.
    json
        Print one JSON document on stdout.
    """
    from convscope.cli.screen import print_table
    from convscope.runs.listing import list_runs

    found = [(run, *_end_of(run)) for run in list_runs(folder)]
    if json:
        print_json(
            {
                "runs": [
                    {"run": str(run.path), "state": state, "summary": summary}
                    for run, state, summary in found
                ]
            }
        )
        return 0
    if not found:
        result_console().print(f"no run in {here(folder)}. Make one with: convscope train digits")
        return 0
    rows = [_row(here(run.path), state, summary) for run, state, summary in found]
    print_table(result_console(), ("run", "network", "steps", "test", "95 % interval", "time"), rows)
    return 0


def _end_of(run: "Run") -> tuple[str, dict[str, Any] | None]:
    """How a run ended, and its summary; one that is damaged does not hide the others."""
    if not run.has("summary.json"):
        return "not finished", None
    try:
        summary = run.read("summary.json")
    except RunError:
        summary = None
    is_whole = isinstance(summary, dict) and {"network", "steps"} <= summary.keys()
    return ("finished", summary) if is_whole else ("summary.json is damaged", None)


def _row(path: str, state: str, summary: dict[str, Any] | None) -> tuple[str, ...]:
    from convscope.cli.results import score_cells

    if summary is None:
        return path, "", "–", state, "", ""
    time = duration(summary.get("seconds", {}).get("total"))
    return path, summary["network"], f"{summary['steps']:,}", *score_cells(summary), time
