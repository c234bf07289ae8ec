"""`series.json`: which images a run's split keeps together as series of one thing or scene, by content."""

from collections.abc import Sequence

from convscope.runs.folder import Run

SERIES = "series.json"


def write_series(run: Run, series: Sequence[Sequence[str]]) -> None:
    """Keep the content hashes of each series, so that the data are divided alike for ever, on any machine."""
    if series:
        run.write(SERIES, series)


def read_series(run: Run) -> list[list[str]]:
    """What `write_series` kept; nothing where there was none, as in runs of before series were looked for."""
    found: list[list[str]] = run.read(SERIES) if run.has(SERIES) else []
    return found
