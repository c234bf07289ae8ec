"""How results are laid out on a terminal of any width, and in a pipe, where no line is cut."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from convscope.wording import legible, listed

LABEL_WIDTH = 14
"""A label and what stands between it and what it says."""

NARROW = 48
"""Below so many columns what a label says stands under it."""

INDENT = 2
BETWEEN = "    "


def print_line(console: Console, label: str, value: str, *reasons: str) -> None:
    """A bold label, what it says, and fainter why; what does not fit goes on below it, as far in."""
    text = Text(legible(value))
    for each in reasons:
        if each:
            text.append(BETWEEN if text else "").append(legible(each), style="dim")
    _print_labelled(console, label, text)


def print_whole(console: Console, label: str, *values: str) -> None:
    """A label and paths or commands, none of which is ever broken: side by side if they fit, else each in a
    line of its own.
    """
    room = console.width - LABEL_WIDTH
    together = Text("  ·  ".join(map(legible, values)))
    if not console.is_terminal or together.cell_len <= room:
        console.print(Text.assemble(_label(label), together), soft_wrap=True)
        return
    if max(Text(legible(each)).cell_len for each in values) <= room:
        for number, each in enumerate(values):
            console.print(Text.assemble(_label(label if number == 0 else ""), legible(each)), soft_wrap=True)
        return
    console.print(Text(legible(label), style="bold"))
    for each in values:  # one that is longer than the line goes on in the next, as the terminal does it
        fits = Text(legible(each)).cell_len <= console.width - INDENT
        console.print(Text(" " * (INDENT if fits else 0) + legible(each)), soft_wrap=True)


def print_indented(console: Console, text: Text, *, first: int = 2 * INDENT) -> None:
    """A text whose first line stands `first` columns in, and the others four."""
    if not console.is_terminal:
        console.print(Text.assemble(" " * first, text), soft_wrap=True)
        return
    for number, line in enumerate(text.wrap(console, max(8, console.width - 2 * INDENT), overflow="fold")):
        console.print(Text.assemble(" " * (2 * INDENT if number else first), line), soft_wrap=True)


def print_message(console: Console, text: str) -> None:
    """What is said of an error, wrapped between words; a line with a command stays one, for copying."""
    for line in legible(text).split("\n"):
        console.print(Text(line), soft_wrap=not console.is_terminal or "convscope " in line)


def print_table(
    console: Console,
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    left_out_first: Sequence[str] = (),
) -> None:
    """Columns in line: the first to the left, the others to the right.

    Of those named in `left_out_first` as many are left out as a narrow screen has no room for; that is said.
    """
    columns = list(zip(head, *rows, strict=True))
    left_out = []
    for name in left_out_first:
        if _least_width(columns) > console.width:
            columns = [column for column in columns if column[0] != name]
            left_out.append(name)
    names_fit = _least_width(columns) <= console.width  # then titles give way, not names
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, (name, *_) in enumerate(columns):
        table.add_column(
            Text(legible(name)),
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=number == 0 and names_fit,
        )
    _print_table(console, table, list(zip(*columns, strict=True))[1:])
    if left_out:
        console.print()
        print_line(console, "left out", listed(left_out), "a wider screen, or --json, has them")


def _least_width(columns: Sequence[tuple[str, ...]]) -> int:
    """Of a table in which only titles are broken, between their words."""
    least = [max(map(cell_len, (*head.split(), *cells)), default=0) for head, *cells in columns]
    return sum(least) + 2 * (len(least) - 1)


def print_columns(console: Console, rows: Sequence[tuple[str, ...]]) -> None:
    """Columns in line, the first in bold, the last as wide as it likes."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for number in range(len(rows[0])):
        is_last = number == len(rows[0]) - 1
        table.add_column(style="" if number else "bold", no_wrap=not is_last, overflow="fold")
    _print_table(console, table, rows)


def _print_table(console: Console, table: Table, rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows:
        table.add_row(*(Text(legible(cell)) for cell in row))
    console.print(table)


def _print_labelled(console: Console, label: str, text: Text) -> None:
    if not console.is_terminal:
        console.print(Text.assemble(_label(label), text), soft_wrap=True)
        return
    if console.width >= NARROW:
        lines = text.wrap(console, console.width - LABEL_WIDTH, overflow="fold")
        for number, line in enumerate(lines):
            console.print(Text.assemble(_label(label if number == 0 else ""), line), soft_wrap=True)
        return
    if label:
        console.print(Text(legible(label), style="bold"))
    for line in text.wrap(console, max(8, console.width - INDENT), overflow="fold"):
        console.print(Text.assemble(" " * INDENT, line), soft_wrap=True)


def _label(label: str) -> tuple[str, str]:
    return (f"{legible(label):<{LABEL_WIDTH - 2}}  ", "bold")
