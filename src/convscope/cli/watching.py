"""Shows a training as it goes: a live line on a terminal, one plain line a record elsewhere."""

import math
import time
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from convscope.cli.output import is_live
from convscope.cli.screen import print_line, print_whole
from convscope.runs.records import Record
from convscope.training.progress import Choice
from convscope.wording import clock, here, percent, rounded

QUIET = 2.0
"""Seconds without a word, after which a running clock says that work goes on."""

SHORTEST_BAR, LONGEST_BAR = 10, 30
REFRESHES = 5


class Watcher:
    """Listens to a training and shows it on `console`, while it is entered."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._said = time.monotonic()
        self._begun: tuple[float, int] | None = None
        self._step, self._total, self._images = 0, 0, 0
        self._steps_per_epoch = 0.0
        self._latest: dict[str, Record] = {}

    def __enter__(self) -> "Watcher":
        if is_live(self._console):
            self._live = Live(
                console=self._console,
                get_renderable=self._line,
                refresh_per_second=REFRESHES,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def on_choice(self, choice: Choice) -> None:
        """`network     two-conv     small grey images…`."""
        print_line(self._console, choice.what, choice.value, choice.reason)
        self._said = time.monotonic()

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Steps begin."""
        print_whole(self._console, "run", here(run_path))
        self._begun, self._step, self._total, self._images = None, step, total_steps, 0
        self._latest = {}

    def on_total(self, total_steps: int) -> None:
        """The end moves."""
        self._total = total_steps

    def on_step(self, step: int, images: int) -> None:
        """The bar moves."""
        if self._begun is None:  # the first step takes longer than the others
            self._begun = (time.monotonic(), step)
        else:
            self._images += images
        self._step = step

    def on_record(self, record: Record) -> None:
        """Figures beside the bar, and above it where all of a validation is known; or a line."""
        self._latest[record["split"]] = record
        if record["step"]:
            self._steps_per_epoch = record["step"] / max(1e-9, record["epoch"])
        if self._live is None:
            if not self._console.is_terminal or self._console.is_dumb_terminal:
                self._console.print(self._record_line(record))
        elif record["split"] == "validation":
            self._print_epoch(record)

    def on_end(self) -> None:
        """The bar goes; the clock of what is quiet begins."""
        self._total, self._said = 0, time.monotonic()

    def _print_epoch(self, validation: Record) -> None:
        figures = [
            f"{split} {_score(record)}"
            for split in ("train", "validation")
            if (record := self._latest.get(split)) is not None and record["step"] == validation["step"]
        ]
        losses = [rounded(self._latest[line.partition(" ")[0]]["loss"]) for line in figures]
        loss = "" if validation["accuracy"] is None else f"loss {' · '.join(losses)}"
        label = f"epoch {validation['epoch']:.4g}"
        print_line(self._console, label, " · ".join(figures), loss, clock(validation["seconds"]))

    def _line(self) -> RenderableType:
        """What stands below everything that was said."""
        if self._total <= self._step:
            quiet = time.monotonic() - self._said
            return Text(f"  … {clock(quiet)}", style="dim") if quiet > QUIET else Group()
        return progress_line(
            self._console.width,
            self._where(),
            self._total,
            self._step,
            f"{clock(self._left())} left",
            self._figures(),
        )

    def _where(self) -> str:
        """In epochs, as the plan counts, where there are several."""
        epochs = math.ceil(self._total / self._steps_per_epoch - 1e-6) if self._steps_per_epoch else 0
        if epochs < 2:
            return f"step {self._step:,}/{self._total:,}"
        return f"epoch {min(epochs, int(self._step / self._steps_per_epoch) + 1)}/{epochs}"

    def _figures(self) -> list[str]:
        """The weightiest first."""
        figures = []
        if "validation" in self._latest:
            figures.append(f"validation {_score(self._latest['validation'])}")
        if "batch" in self._latest:
            figures.append(f"loss {rounded(self._latest['batch']['loss'])}")
        return [*figures, f"{rounded(self._rate())} images/s"] if self._images else figures

    def _record_line(self, record: Record) -> str:
        parts = [
            f"epoch {record['epoch']:.2f}",
            f"step {record['step']}/{self._total}",
            f"{record['split']:<10}",
            f"loss {rounded(record['loss'], 4)}",
            "" if record["accuracy"] is None else f"accuracy {_score(record)}",
        ]
        if record["split"] == "batch":
            parts += [f"rate {record['learning_rate']:.2e}"]
            if self._images:
                parts += [f"{rounded(self._rate())} images/s", f"{clock(self._left())} left"]
        return "  " + "  ".join(part for part in parts if part)

    def _rate(self) -> float:
        begun = self._begun[0] if self._begun else time.monotonic()
        return self._images / max(1e-9, time.monotonic() - begun)

    def _left(self) -> float | None:
        """Seconds to the end, at the speed since the first step; None before the second."""
        if self._begun is None or self._step == self._begun[1]:
            return None
        begun, first = self._begun
        return (time.monotonic() - begun) / (self._step - first) * (self._total - self._step)


def progress_line(
    width: int, where: str, total: int, done: int, left: str, figures: list[str]
) -> RenderableType:
    """One line: where it stands, a bar, as many figures as there is room for, and the time left."""
    where, room = f"  {where}", width - cell_len(f"  {where}  {left}") - 2
    kept: list[str] = []
    for figure in figures:
        if cell_len("  ".join([*kept, figure])) + 2 + SHORTEST_BAR <= room:
            kept.append(figure)
    words = "  ".join([*kept, left])
    bar = min(LONGEST_BAR, width - cell_len(f"{where}  {words}") - 2)
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


def _score(record: Record) -> str:
    """Its accuracy; its loss where it has none."""
    return rounded(record["loss"]) if record["accuracy"] is None else percent(record["accuracy"], 1)
