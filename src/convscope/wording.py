"""How figures, amounts, durations, sizes, names, paths and commands are said: one place, below every room."""

import difflib
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: a name must not move the cursor or colour the terminal
    "\u2028\u2029\ufeff"  # line ends, and a mark without width
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turns of the direction of reading: they hide an ending
    "\ud800-\udfff]"  # bytes that are no UTF-8 come as halves of a pair
)
_UNKNOWN = "–"
_MOST_DECIMALS = 12


def percent(share: float | None, decimals: int | None = None) -> str:
    """A share as `93.5 %`; never 0 or 100 where it is not, and a dash where it is not known.

    Args:
        share: 0 to 1, or more, or less.
        decimals: so many; two significant digits unless given: `12 %`, `0.4 %`.
    """
    if share is None or not math.isfinite(share):
        return _UNKNOWN
    per_cent = 100 * share
    if decimals is None:
        near_an_edge = 0 < abs(per_cent) < 9.95 or 99.5 <= per_cent < 100
        decimals = 1 if near_an_edge else 0
    least = 10.0**-decimals
    if 0 < per_cent < least / 2:
        return f"< {least:.{decimals}f} %"
    if 100 - least / 2 <= per_cent < 100:
        return f"> {100 - least:.{decimals}f} %"
    return f"{per_cent:.{decimals}f} %".replace("-", "−")


def percent_decimals(count: int | None) -> int:
    """Decimals that a percentage of `count` deserves: none below 100, two from 10,000; one if not known."""
    if count is None:
        return 1
    return 0 if count < 100 else 1 if count < 10_000 else 2


def rounded(value: float | None, digits: int = 3) -> str:
    """A number in significant digits: `0.0123`, `4.56`, `−1.2e-07`; a dash if not known.

    From a thousand on all digits before the point are written, `21,437`: what is said so may be a label.
    """
    if value is None or not math.isfinite(value):
        return _UNKNOWN
    text = f"{value:.{digits}g}"
    if 1000 <= abs(value) < 1e15:
        text = f"{value:,.0f}"
    elif abs(value) < 1000 and "e+" in text:  # 123 in two digits is 1.2e+02
        text = f"{float(text):,.0f}"
    return "−" + text[1:] if text.startswith("-") else text


def apart(values: Sequence[float], decimals: int, edges: Iterable[float] = ()) -> list[str]:
    """The values with `decimals`, or as many more as keep them apart from each other and from the edges.

    9,999 right of 10,000 is not 100 %, and the interval around it does not reach 100.0.
    """
    for places in range(decimals, _MOST_DECIMALS):
        short = [round(value, places) for value in values]
        touches = any(
            near == edge != exact for near, exact in zip(short, values, strict=True) for edge in edges
        )
        if not touches and len(set(short)) == len(set(values)):
            break
    return [f"{value:.{places}f}" for value in values]


def between(low: float, high: float, digits: int = 3) -> str:
    """The two ends in significant digits: `0.12–0.4`, `−3.9 to 10.4`; dashes where they are not known."""
    to = " to " if low < 0 or high < 0 else "–"
    ends = (rounded(low, digits), rounded(high, digits))
    more = digits
    while ends[0] == ends[1] and low != high and math.isfinite(low + high) and more < _MOST_DECIMALS:
        more += 1
        ends = (rounded(low, more), rounded(high, more))
    return to.join(ends)


def with_ends(name: str, figure: Mapping[str, Any]) -> tuple[str, str]:
    """A figure of a run's summary, and its interval: `97.1 %` and `95.6–98.1`, `off by 0.31` and `0.28–0.34`.

    The interval is empty where there is none, as of folds that are all alike.

    Args:
        name: `accuracy`, or else a distance in the target's unit.
        figure: its value, interval, and n, the images.
    """
    ends = [end for end in figure["interval"] if end is not None]
    if name != "accuracy":
        return f"off by {rounded(figure['value'])}", between(*ends) if len(ends) == 2 else ""
    decimals = percent_decimals(figure.get("n"))
    return percent(figure["value"], decimals), "–".join(f"{100 * end:.{decimals}f}" for end in ends)


def some(count: int, what: str, plural: str = "") -> str:
    """An amount with its noun: `1 unit`, `1,200 units`, `2 classes`."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def some_do(count: int, what: str, does: str) -> str:
    """An amount with its noun and verb: `1 image stands`, `2 images stand`."""
    return f"{some(count, what)} {does if count == 1 else does.removesuffix('s')}"


def times(count: int) -> str:
    """`once`, `3 times`."""
    return "once" if count == 1 else f"{count:,} times"


def duration(seconds: float | None) -> str:
    """`0.02 s`, `3.2 s`, `2 min 05 s`, `1 h 04 min`, `3 d 2 h`; a dash if not known."""
    if seconds is None or not math.isfinite(seconds):
        return _UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 0.095 or seconds == 0 else f"{seconds:.1g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def about(seconds: float) -> str:
    """An expected duration, no finer than it can be known: `about 34 s`, `about 2 min 10 s`."""
    step = 1 if seconds < 60 else 10 if seconds < 600 else 60
    text = duration(step * max(1, round(seconds / step)))
    return f"about {text.replace('.0 s', ' s').replace(' min 00 s', ' min')}"


def clock(seconds: float | None) -> str:
    """Time left, in few characters: `0:22`, `1:04:05`; a dash if not known."""
    if seconds is None:
        return _UNKNOWN
    whole = max(0, round(seconds))
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return minutes if whole < 3600 else f"{whole // 3600}:{minutes:>05}"


def size(count: float) -> str:
    """Bytes as `812 bytes`, `3.4 MB`, `20 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < (1000 if unit == "bytes" else 999.5):
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 9.95 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def listed(names: Sequence[str], most: int = 10) -> str:
    """The names with commas between; of many the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def quoted(names: Sequence[str], most: int = 10) -> str:
    """As `listed`, each name in quotes."""
    return listed([f"'{name}'" for name in names], most)


def near(word: str, known: Iterable[str], most: int = 3, *, cutoff: float = 0.6) -> list[str]:
    """The known names that look most like `word`, the nearest first; capitals make no difference."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=most, cutoff=cutoff)
    return [by_fold[name] for name in found]


def meant(close: Sequence[str], otherwise: str = "") -> str:
    """`did you mean vgg11 or vgg16?` of what `near` found; `otherwise` where that is nothing."""
    return f"did you mean {' or '.join(close)}?" if close else otherwise


def shown(name: str) -> str:
    """A name fit to be shown and written: what is no valid text, or would act on a terminal, is escaped.

    Bytes that are no UTF-8 (as Python gives them in file names) become `\\xe4`, control characters `\\x1b`.
    """
    return _UNFIT.sub(_escaped, name)


def legible(text: str) -> str:
    """As `shown`, for a text of several lines: its line ends stay."""
    return "\n".join(map(shown, text.split("\n")))


def here(path: Path | str) -> str:
    """A path as it is seen from where one stands, fit to be shown: `runs/a`; whole if it is elsewhere."""
    return shown(str(_from_here(Path(path))))


def from_here(source: str | Path, name: str) -> str:
    """A file of a source as it opens from where one stands; its name in the source where it is not a file."""
    path = Path(source).expanduser() / name
    try:
        return here(path) if path.exists() else shown(name)
    except (OSError, ValueError):
        return shown(name)


def command(*words: str | Path) -> str:
    """A command that can be pasted into a shell: every word quoted where it must be.

    A `Path` is said as seen from here, and never looks like an option; what would act on the terminal is
    written in the way of `$'\\x1b'`, which shells read back as the same name.
    """
    return " ".join(_quoted(_as_argument(word) if isinstance(word, Path) else word) for word in words)


def _from_here(path: Path) -> Path:
    if not path.is_absolute():
        return path
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):  # elsewhere, or the folder one stands in is gone
        return path


def _as_argument(path: Path) -> str:
    text = str(_from_here(path))
    return f"./{text}" if text.startswith("-") else text


def _quoted(word: str) -> str:
    if not _UNFIT.search(word):
        return shlex.quote(word)
    plain = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_UNFIT.sub(_escaped_for_shell, plain)}'"


def _escaped_for_shell(match: re.Match[str]) -> str:
    """A shell reads \\x9b as a byte: only bytes and ASCII are written so."""
    code = ord(match[0])
    return f"\\u{code:04x}" if 0x80 <= code < 0xDC80 or code > 0xDCFF else _escaped(match)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
