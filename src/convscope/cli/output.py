"""What every command prints with: results to stdout, progress and logs to stderr, whatever these are."""

import codecs
import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO, TypeVar

from rich.console import Console

from convscope.documents import plain
from convscope.wording import legible, shown

_PLAIN = {
    **dict.fromkeys("·–—−‐", "-"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’′", "'"),
    **dict.fromkeys("━╸╺─", "-"),
    **{"…": "...", "×": "x", "→": "->", "≥": ">=", "≤": "<=", "±": "+-", "²": "2", "✓": "+", "✗": "x"},
}
"""What stands for our own signs where a terminal's encoding has none; names keep their escapes."""

ENDLESS = 100_000
"""Columns of a pipe, where no line is cut."""

Result = TypeVar("Result")

_SURROGATE = re.compile("[\ud800-\udfff]")


def prepare_streams() -> None:
    """Let stdout and stderr say everything: what their encoding lacks is written in signs that it has."""
    codecs.register_error("convscope", _in_other_signs)
    # Who called may have closed one: `convscope … >&-`.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="convscope")


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _in_other_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    said = (_PLAIN.get(sign) or shown(sign.encode("ascii", "backslashreplace").decode()) for sign in signs)
    return "".join(said), error.end


def result_console() -> Console:
    """Results: stdout. Colours only on a terminal that wants them; no line is cut when it is a pipe."""
    return _console(sys.stdout)


def log_console() -> Console:
    """Progress and logs: stderr. A training goes on when nobody reads them any more."""
    return _console(_Log(sys.stderr))


def is_live(console: Console) -> bool:
    """Whether what was written can be written over: a terminal, and not a dumb one."""
    return console.file.isatty() and not console.is_dumb_terminal


def print_json(document: Any) -> None:
    """One JSON document on stdout, and nothing else there."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(plain(document), indent=2, ensure_ascii=not encoding.startswith("utf"), allow_nan=False)
    print(_SURROGATE.sub(lambda found: shown(found[0]).replace("\\", "\\\\"), text))
    sys.stdout.flush()


def warn(text: str) -> None:
    """Something went wrong that costs no result: a line on stderr."""
    log_console().print(f"warning: {legible(text)}", style="yellow", highlight=False)


def try_to(do: Callable[[], Result], *, otherwise: str) -> Result | None:
    """What stands beside the results, such as a picture of them: when it fails, a warning says why.

    Args:
        do: writes or draws something.
        otherwise: what the warning begins with: `the picture was not written`.
    """
    try:
        return do()
    except Exception as error:  # whatever it is, the results are worth more
        warn(f"{otherwise}: {reason(error)}")
        return None


def reason(error: BaseException) -> str:
    """Why something failed, in one line: `No space left on device: runs/a/report.html`."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {legible(os.fsdecode(error.filename))}" if isinstance(error.filename, str | bytes) else ""
        return f"{error.strerror}{where}"
    lines = str(error).strip().splitlines()
    return legible(lines[0]) if lines else type(error).__name__


class _Log:
    """A stream that may stop taking anything: a closed pipe, a terminal that is gone, a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it if that can be done."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush it if that can be done."""
        try:
            self._stream.flush()
        except OSError:
            _let_go(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Results(Console):
    """A console whose reader may stop reading: `convscope runs | head -n 1`."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, for which this is no error."""
        raise BrokenPipeError


def let_go_of_stdout() -> None:
    """After stdout took no more: what is left for it goes nowhere, so that leaving is quiet."""
    _let_go(sys.stdout)


def _let_go(stream: TextIO) -> None:
    with suppress(OSError, ValueError):  # it has no number, as in a notebook
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _console(stream: Any) -> Console:
    is_terminal = stream.isatty()
    width = None if is_terminal else ENDLESS
    # A path may hold [brackets] or :colons:, which are no markup.
    return _Results(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=not is_terminal
    )
