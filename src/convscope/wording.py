"""How names are said: one place, below every room."""

import re

_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: a name must not move the cursor or colour the terminal
    "\u2028\u2029\ufeff"  # line ends, and a mark without width
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turns of the direction of reading: they hide an ending
    "\ud800-\udfff]"  # bytes that are no UTF-8 come as halves of a pair
)


def shown(name: str) -> str:
    """A name fit to be shown and written: what is no valid text, or would act on a terminal, is escaped.

    Bytes that are no UTF-8 (as Python gives them in file names) become `\\xe4`, control characters `\\x1b`.
    """
    return _UNFIT.sub(_escaped, name)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
