"""One line of progress, drawn for a terminal of any width; and the lines of a table that grows above it."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

SHORTEST_BAR, LONGEST_BAR = 10, 30
BETWEEN = 2


def progress_line(
    width: int, where: str, total: float, done: float, left: str, figures: Sequence[str] = ()
) -> RenderableType:
    """One line: where it stands, a bar, as many figures as there is room for, and the time left."""
    most = width - SHORTEST_BAR - cell_len(left) - 3 * BETWEEN
    if cell_len(where) > most >= SHORTEST_BAR:
        where = set_cell_size(where, most - 1).rstrip() + "…"
    where, room = f"  {where}", width - cell_len(f"  {where}  {left}") - BETWEEN
    kept: list[str] = []
    for figure in figures:
        if cell_len("  ".join([*kept, figure])) + BETWEEN + SHORTEST_BAR <= room:
            kept.append(figure)
    words = "  ".join([*kept, left])
    bar = min(LONGEST_BAR, width - cell_len(f"{where}  {words}") - BETWEEN)
    if bar < SHORTEST_BAR:
        short = Text(f"{where}  {words}")
        short.truncate(width, overflow="ellipsis")
        return short
    line = Table.grid()
    line.add_row(
        f"{where}  ",
        ProgressBar(total, done, width=bar, complete_style="cyan", finished_style="green"),
        f"  {words}",
    )
    return line


def row_of_columns(cells: Sequence[str], widths: Sequence[int], room: int) -> str:
    """Cells in columns, the first ones first, as many as there is room for; nothing at the line's end."""
    row = ""
    for cell, width in zip(cells, widths, strict=True):
        if len(row) + cell_len(cell) > room:
            break
        row += set_cell_size(cell, max(width, cell_len(cell) + BETWEEN))
    return row.rstrip()
