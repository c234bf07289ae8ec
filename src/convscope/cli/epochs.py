"""The table of a training's epochs: a line for each, with a head above the first."""

from rich.console import Console
from rich.text import Text

from convscope.cli.progress_line import row_of_columns
from convscope.cli.screen import LABEL_WIDTH
from convscope.runs.records import Record
from convscope.wording import clock, percent, percent_decimals, rounded

SCORED = ("epoch", "train", "validation", "time", "train loss", "validation loss")
UNSCORED = ("epoch", "train loss", "validation loss", "time")
WIDTHS = {"epoch": LABEL_WIDTH, "train": 10, "validation": 14, "time": 10, "train loss": 14}


class EpochTable:
    """Grows on `console`: a network's figures on both splits as training goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._has_head = False

    def print(self, validation: Record, train: Record | None, epochs: int) -> None:
        """One line, of a validation and of the training images measured with it; `epochs` in all."""
        columns = UNSCORED if validation["accuracy"] is None else SCORED
        if not self._has_head:
            self._print(columns, columns, style="bold")
            self._has_head = True
        if train is not None and train["step"] != validation["step"]:
            train = None
        cells = {
            "epoch": _epoch(validation, epochs),
            "train": "–" if train is None else score(train),
            "validation": score(validation),
            "time": clock(validation["seconds"]),
            "train loss": "–" if train is None else rounded(train["loss"]),
            "validation loss": rounded(validation["loss"]),
        }
        self._print(columns, [cells[column] for column in columns])

    def _print(self, columns: tuple[str, ...], cells: tuple[str, ...] | list[str], style: str = "") -> None:
        row = row_of_columns(cells, [WIDTHS.get(column, 16) for column in columns], self._console.width)
        self._console.print(Text(row, style=style), soft_wrap=True)


def score(record: Record) -> str:
    """Its accuracy, in as many decimals as its images deserve; its loss where it has none."""
    if record["accuracy"] is None:
        return rounded(record["loss"])
    return percent(record["accuracy"], percent_decimals(record.get("images")))


def _epoch(record: Record, epochs: int) -> str:
    return f"{record['epoch']:.4g}/{epochs}" if epochs else f"{record['epoch']:.4g}"
