"""What every command prints with: results to stdout, progress and logs to stderr."""

import json
import os
import sys
from typing import Any

from rich.console import Console


def result_console() -> Console:
    """Results: stdout. Colours only on a terminal that wants them; no line is cut when it is a pipe."""
    return _console(sys.stdout)


def log_console() -> Console:
    """Progress and logs: stderr."""
    return _console(sys.stderr)


def print_json(document: Any) -> None:
    """One JSON document on stdout, and nothing else there."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_plain))


def finite(value: float) -> float | None:
    """JSON has no nan: None instead."""
    return value if value == value and abs(value) != float("inf") else None


class _Pipe(Console):
    """A console whose reader may stop reading: `convscope runs | head -n 1`."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, for which this is no error."""
        raise BrokenPipeError


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else int(os.environ.get("COLUMNS", "120"))
    # A path may hold [brackets] or :colons:, which are no markup.
    return _Pipe(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=not stream.isatty()
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "item"):
        return value.item()
    return str(value)
