"""Shows a training as it goes: a live line on a terminal, one plain line a record elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from convscope.runs.records import Record
from convscope.training.progress import Choice

LABEL_WIDTH = 14


class Watcher:
    """Listens to a training and shows it on `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._validation = ""
        self._started = (0.0, 0)
        self._total = 0
        self._images = 0

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.on_end()

    def on_choice(self, choice: Choice) -> None:
        """`network     two-conv     small grey images…`."""
        line = Text.assemble((f"{choice.what:<{LABEL_WIDTH - 2}}  ", "bold"), choice.value)
        if choice.reason:
            line.append(f"    {choice.reason}", style="dim")
        self._console.print(line)

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """The bar appears."""
        self._console.print(Text.assemble((f"{'run':<{LABEL_WIDTH}}", "bold"), run_path))
        self._started, self._total, self._images = (time.monotonic(), step), total_steps, 0
        if self._console.is_terminal and total_steps > step:
            self._bar = Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(compact=True),
                console=self._console,
                transient=True,
            )
            self._bar.add_task(f"step {step}/{total_steps}", total=total_steps, completed=step, figures="")
            self._bar.start()

    def on_step(self, step: int, images: int) -> None:
        """The bar moves."""
        self._images += images
        if self._bar is not None:
            task = self._bar.tasks[0]
            self._bar.update(task.id, completed=step, description=f"step {step:,}/{self._total:,}")

    def on_record(self, record: Record) -> None:
        """Figures beside the bar, or a line."""
        if self._bar is not None:
            if record["split"] == "validation":
                self._validation = f"  validation {_score(record)}"
            elif record["split"] == "batch":
                figures = f"loss {record['loss']:.3f}{self._validation}  {self._rate():,.0f} images/s "
                self._bar.update(self._bar.tasks[0].id, figures=figures)
        elif not self._console.is_terminal:
            self._console.print(self._line(record))

    def on_end(self) -> None:
        """The bar goes."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _line(self, record: Record) -> str:
        parts = [
            f"epoch {record['epoch']:.2f}",
            f"step {record['step']}/{self._total}",
            f"{record['split']:<10}",
            f"loss {record['loss']:.4f}",
            _score(record),
        ]
        if record["split"] == "batch":
            parts += [
                f"rate {record['learning_rate']:.2e}",
                f"{self._rate():,.0f} images/s",
                f"{self._left(record['step']):.0f} s left",
            ]
        return "  " + "  ".join(part for part in parts if part)

    def _rate(self) -> float:
        return self._images / max(1e-9, time.monotonic() - self._started[0])

    def _left(self, step: int) -> float:
        """Seconds to the end, at the speed since the start."""
        start, first = self._started
        return (time.monotonic() - start) / max(1, step - first) * (self._total - step)


def _score(record: Record) -> str:
    return "" if record["accuracy"] is None else f"accuracy {record['accuracy']:.2%}".replace("%", " %")
