"""Shows work as it goes on: a live line on a terminal; of a training a line for each epoch, too."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from convscope.cli.epochs import EpochTable, score
from convscope.cli.output import is_live
from convscope.cli.progress_line import progress_line
from convscope.cli.screen import print_line, print_whole
from convscope.runs.records import Record
from convscope.training.progress import Choice
from convscope.wording import about, clock, here, rounded
from convscope.work import Work, watched_by

QUIET = 2.0
"""Seconds without a word, after which a running clock says that work goes on."""

LONG = 10.0
"""Seconds that work is expected to take, from which on that is announced, once it has gone on for"""
LOOKED_AT = 1.5
"""so many seconds."""

REFRESHES = 5
MODULES = 1_500
"""About how many modules a training has imported before it says its first word."""


class Watcher:
    """Listens to a training, and to other work that is counted, and shows it on `console` while entered."""

    def __init__(self, console: Console, *, modules: int = MODULES) -> None:
        """`modules` are imported about before anything is counted."""
        self._console = console
        self._modules = modules
        self._live: Live | None = None
        self._within = ExitStack()
        self._said = time.monotonic()
        self._begun: tuple[float, int] | None = None
        self._step, self._total, self._images = 0, 0, 0
        self._steps_per_epoch = 0
        self._latest: dict[str, Record] = {}
        self._epochs = EpochTable(console)
        self._works: list[tuple[Work, float]] = []
        self._firsts: dict[Work, tuple[float, float]] = {}
        self._announced: set[str] = set()
        self._is_starting = True

    def __enter__(self) -> "Watcher":
        self._within.enter_context(watched_by(self))
        if is_live(self._console):
            self._live = Live(
                console=self._console,
                get_renderable=self._line,
                refresh_per_second=REFRESHES,
                transient=True,
                redirect_stdout=False,  # results are never written to stderr
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._within.close()
        if self._live is not None:
            self._live.stop()
            self._live = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within, there is no live line: results may be printed where it would stand."""
        if self._live is not None:
            self._live.stop()
        yield
        if self._live is not None:
            self._live.start()

    def on_choice(self, choice: Choice) -> None:
        """`network     two-conv     small grey images…`."""
        print_line(self._console, choice.what, choice.value, choice.reason)
        self._note_sign()

    def on_start(self, run_path: str, step: int, total_steps: int) -> None:
        """Steps begin."""
        print_whole(self._console, "run", here(run_path))
        self._begun, self._step, self._total, self._images = None, step, total_steps, 0
        self._latest = {}
        self._epochs = EpochTable(self._console)
        self._note_sign()

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
            self._steps_per_epoch = max(1, round(record["step"] / max(1e-9, record["epoch"])))
        if self._live is None:
            if not self._console.is_terminal or self._console.is_dumb_terminal:
                self._console.print(self._record_line(record))
        elif record["split"] == "validation" and record["step"]:
            self._epochs.print(record, self._latest.get("train"), self._num_epochs())

    def on_end(self) -> None:
        """The bar goes; the clock of what is quiet begins."""
        self._total = 0
        self._note_sign()

    def on_work(self, work: Work) -> None:
        """A bar for it, unless steps have theirs; announced, where it is foretold to be long."""
        self._works.append((work, time.monotonic()))
        if len(self._works) == 1 and work.is_foretold and work.total >= LONG:
            print_line(
                self._console, "expected", about(work.total), f"{work.what}, by a few images' time here"
            )
        self._note_sign()

    def on_worked(self, work: Work) -> None:
        """Announced, where it will be long."""
        whole, begun = self._works[0]
        passed = time.monotonic() - begun
        if self._total > self._step or work is not whole or whole.is_foretold:
            return
        first, took = self._firsts.setdefault(whole, (whole.done, passed))
        if whole.done > first:
            expected = took + (passed - took) * (whole.total - first) / (whole.done - first)
        else:  # the first part often takes longer than the others, and is gone by only where it is long
            expected = passed * whole.total / whole.done if passed >= LONG else 0.0
        if passed >= LOOKED_AT and expected >= LONG and whole.what not in self._announced:
            self._announced.add(whole.what)
            what = f"{whole.total:,.0f} times: {whole.what}" if whole.is_counted else whole.what
            print_line(self._console, "expected", about(expected), f"{what}, as fast as so far")

    def on_work_end(self, work: Work) -> None:
        """Its bar goes."""
        self._works = [each for each in self._works if each[0] is not work]
        self._firsts.pop(work, None)
        self._note_sign()

    def _note_sign(self) -> None:
        self._said, self._is_starting = time.monotonic(), False

    def _line(self) -> RenderableType:
        """What stands below everything that was said."""
        if self._total > self._step:
            left = f"{clock(self._left())} left"
            return self._drawn(self._where(), self._total, self._step, left, self._figures())
        if self._works:
            return self._work_line()
        quiet = time.monotonic() - self._said
        if self._is_starting and len(sys.modules) < self._modules:
            done = len(sys.modules)
            expected = quiet / max(1, done) * (self._modules - done)
            return self._drawn("starting", self._modules, done, f"{clock(expected)} left", [])
        return Text(f"  … {clock(quiet)}", style="dim") if quiet > QUIET else Group()

    def _drawn(self, where: str, total: float, done: float, left: str, figures: list[str]) -> RenderableType:
        return progress_line(self._console.width, where, total, done, left, figures)

    def _work_line(self) -> RenderableType:
        """The outermost piece; its part at hand, until one part is done and the whole can be judged."""
        (whole, begun), (part, part_begun) = self._works[0], self._works[-1]
        words = [_words(work) for work, _ in dict.fromkeys((self._works[0], self._works[-1]))]
        shown, since = (whole, begun) if whole.done or whole is part else (part, part_begun)
        share = _share([work for work, _ in self._works]) if shown is whole else part.done / part.total
        passed = time.monotonic() - since
        left = passed / share - passed if share else None
        if shown is whole and whole.is_foretold:
            left = _left_of_foretold(whole.total, share, passed)
        return self._drawn(", ".join(words), 1.0, share, f"{clock(left)} left", [])

    def _num_epochs(self) -> int:
        """Of the whole training, as the plan counts; 0 before the first step."""
        return math.ceil(self._total / self._steps_per_epoch) if self._steps_per_epoch else 0

    def _where(self) -> str:
        """In epochs, where there are several."""
        epochs = self._num_epochs()
        if epochs < 2:
            return f"step {self._step:,}/{self._total:,}"
        return f"epoch {min(epochs, int(self._step / self._steps_per_epoch) + 1)}/{epochs}"

    def _figures(self) -> list[str]:
        """The weightiest first."""
        figures = []
        if "validation" in self._latest:
            figures.append(f"validation {score(self._latest['validation'])}")
        if "batch" in self._latest:
            figures.append(f"loss {rounded(self._latest['batch']['loss'])}")
        return [*figures, f"{rounded(self._rate())} images/s"] if self._images else figures

    def _record_line(self, record: Record) -> str:
        parts = [
            f"epoch {record['epoch']:.2f}",
            f"step {record['step']}/{self._total}",
            f"{record['split']:<10}",
            f"loss {rounded(record['loss'], 4)}",
            "" if record["accuracy"] is None else f"accuracy {score(record)}",
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


def _words(work: Work) -> str:
    """`fold 2/5`, `features of 3,500 images`."""
    if not work.is_counted:
        return work.what
    return f"{work.what} {min(work.total, work.done + 1):,.0f}/{work.total:,.0f}"


def _left_of_foretold(total: float, share: float, passed: float) -> float:
    """Seconds: at first as foretold, and from a third on as it went so far."""
    known = min(1.0, 3 * share)
    return max(0.0, (1 - known) * total + (known * passed / share if share else 0.0) - passed)


def _share(works: list[Work]) -> float:
    """How much of the outermost piece is done; the part at hand counts as far as it is."""
    share = 0.0
    for work in reversed(works):
        share = min(1.0, (work.done + share * work.at_hand) / work.total)
    return share
