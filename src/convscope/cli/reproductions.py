"""What `convscope reproduce` shows: the list, a card, a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from convscope.cli.output import reason, warn
from convscope.cli.screen import print_line, print_whole
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Published
from convscope.errors import ConvscopeError
from convscope.trials.cards.card import Card, Result, add_card, newest, readable_cards
from convscope.trials.cards.saying import (
    figure_words,
    headline,
    headline_of,
    interval_words,
    measured,
    measured_words,
    reported,
    reported_words,
)
from convscope.trials.reproducing.checking import Check
from convscope.trials.reproducing.expected import expected_seconds, gflops, seeds_for
from convscope.trials.reproducing.experiments import (
    RESULTS,
    experiments_folder,
    reference_of,
    results_folder,
)
from convscope.trials.reproducing.selection import LeftOut, is_current
from convscope.trials.reproducing.trainings import REPRODUCTIONS
from convscope.wording import duration, here, some, times

COLOURS = {"agrees": "green", "better": "green", "worse": "yellow", "differs": "yellow"}
INDENT = 5
"""Columns that a row's name, such as E12, takes."""


@dataclass(frozen=True)
class Cards:
    """Where result cards are kept: the repository's own, and tries beside the runs; or one folder for all."""

    runs: Path
    given: Path | None = None

    @property
    def _beside_runs(self) -> Path:
        return self.runs / REPRODUCTIONS / "results"

    def add(self, card: Card) -> Path:
        """Keep a card, and say where."""
        own = results_folder() if card.is_whole else None
        return add_card(self.given or own or self._beside_runs, card)[0]

    def newest(self, name: str) -> Card | None:
        """The newest of an experiment, a whole reproduction before a try; of a damaged one, a warning."""
        folders = [self.given] if self.given else [self._beside_runs, experiments_folder() / RESULTS]
        cards = []
        for folder in folders:
            found, wrong = readable_cards(folder / name)
            cards += [card for _, card in found]
            for each in wrong:
                warn(each)
        return newest(cards)


def draw_pictures(card: Card, runs: Path) -> list[Path]:
    """Draw an experiment's pictures beside its runs; of a try, none. Where that fails, a warning says why."""
    if not card.is_whole:
        return []
    from convscope.report.rows.kept import keep_plates  # charts take a second to load
    from convscope.report.rows.plates import Kept

    try:
        return keep_plates(card.experiment, Kept(reproductions=runs / REPRODUCTIONS, details=card.details))
    except ConvscopeError as error:  # the card is there, and is what was asked for
        warn(f"{card.experiment} has no pictures: {reason(error)}")
        return []


def listed(experiment: Published, card: Card | None) -> dict[str, Any]:
    """An experiment as a row: for JSON, and for the screen."""
    reference = reference_of(experiment)
    figure, one = headline(reference), expected_seconds(reference, card)
    result = None if card is None else headline_of(card, reference)
    return {
        "name": experiment.name,
        "source": reference.source,
        "shows": reference.shows,
        "reported": None if figure is None else figure.value,
        "reported_words": reported(reference),
        "measured": None if result is None else result.measured.to_dict(),
        "measured_words": _measured(card),
        "verdict": None if card is None else card.verdict,
        "why": None if card is None else card.why,
        "is_current": is_current(card, experiment),
        "scale": None if card is None else card.scale,
        "seconds": None if card is None else sum(card.seconds),
        "expected_seconds": one,
        "expected_seeds": seeds_for(one) if isinstance(experiment.setting, ExperimentConfig) else 1,
    }


def _measured(card: Card | None) -> str:
    return "not yet" if card is None else measured(card)


def print_list(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """All experiments in the order of the sources: what each shows, what it takes, and how far it is."""
    for row in sorted(rows, key=lambda row: int(row["source"][1:])):
        print_row(console, row)
    done = sum(row["is_current"] for row in rows)
    console.print()
    print_line(console, "cards", f"{done} of {some(len(rows), 'experiment')}")
    speed = f"those not run here from this machine's {gflops():,.0f} GFLOP/s, when it is quiet"
    print_line(console, "times", "of one training", speed)
    print_whole(console, "next", "convscope reproduce mnist-linear", "convscope reproduce --budget 30m")


def print_row(console: Console, row: dict[str, Any]) -> None:
    """One experiment in three lines: its verdict and time; what it shows; reported and measured."""
    head = Text.assemble((f"{row['source']:<{INDENT}}", "dim"), (row["name"], "bold"), (" · ", "dim"))
    if row["verdict"] is None:
        several = "" if row["expected_seeds"] == 1 else f", {times(row['expected_seeds'])}"
        head.append(f"not yet · about {duration(row['expected_seconds'])} here{several}", style="dim")
    else:
        head.append(row["verdict"], style=COLOURS.get(row["verdict"], ""))
        outdated = "" if row["is_current"] or row["scale"] != 1 else " · of an earlier configuration"
        head.append(f"{outdated} · took {duration(row['seconds'])}", style="dim")
    _print_indented(console, head)
    _print_indented(console, Text(" " * INDENT + row["shows"], style="dim"))
    below = Text.assemble(" " * INDENT, ("reported ", "dim"), row["reported_words"])
    if row["verdict"] is not None:
        below.append(" · measured ", style="dim").append(row["measured_words"])
    _print_indented(console, below)


def _print_indented(console: Console, text: Text) -> None:
    """A line that goes on below itself, as far in as it began."""
    if not console.is_terminal:
        console.print(text, soft_wrap=True)
        return
    room = max(20, console.width - INDENT)
    for number, line in enumerate(text[INDENT:].wrap(console, room)):
        console.print(Text.assemble(text[:INDENT] if number == 0 else " " * INDENT, line), soft_wrap=True)


def print_card(console: Console, experiment: Published, card: Card, path: Path) -> None:
    """All figures of a card, the verdict, and what stands behind it."""
    reference = reference_of(experiment)
    print_line(console, "experiment", f"{card.experiment}, {card.source}", reference.shows)
    print_line(console, "reported", reference.says, reference.wrong or "")
    for name, result in {**card.figures, **card.orderings}.items():
        _print_figure(console, name, result)
    for name, change in card.ablations.items():
        value = figure_words(change["kind"], change["value"], change["images"])
        print_line(console, "changed", f"{change['says']}: {value}", change["verdict"], name)
    print_line(console, "verdict", card.verdict, card.why, _because(card, reference.because))
    if card.data.get("differs"):
        print_line(console, "data", card.data["used"], card.data["differs"])
    if reference.differs:
        print_line(console, "differs", reference.differs)
    seeds = f", {some(len(card.seeds), 'seed')}" if card.seeds else ""
    print_line(console, "time", f"{duration(sum(card.seconds))}{seeds}")
    print_whole(console, "card", here(path))


def print_pictures(console: Console, pictures: Sequence[Path]) -> None:
    """Where an experiment's pictures lie."""
    if pictures:
        print_whole(console, "pictures", *(here(path) for path in pictures))


def _because(card: Card, because: str | None) -> str:
    return because if because is not None and card.verdict in ("better", "worse", "differs") else ""


def _print_figure(console: Console, name: str, result: Result) -> None:
    """A figure and, where the source has it, what it reported."""
    verdict = result.verdict
    if not result.reported:
        print_line(console, "measured", f"{name}: {measured_words(result)}")
        return
    if result.measured.kind == "claim":
        print_line(console, "claim", f"{name}: {measured_words(result)}", verdict.why)
        return
    kind = result.measured.kind
    said = reported_words(kind, result.reported)
    interval = interval_words(kind, verdict.interval)
    is_point = verdict.interval is None or verdict.interval[0] == verdict.interval[1]
    expected = "" if is_point else f"; {interval} expected"
    print_line(
        console,
        "measured",
        f"{name}: {measured_words(result)}",
        f"reported {said}{expected}: {verdict.word}",
    )


def print_left_out(console: Console, left_out: Sequence[LeftOut], failed: Sequence[LeftOut]) -> None:
    """What was not run, and why."""
    for each in left_out:
        print_line(console, "left out", each.name, each.why)
    for each in failed:
        print_line(console, "failed", each.name, each.why)
    print_whole(console, "next", "convscope reproduce")


def print_check(console: Console, found: Check) -> None:
    """Each figure of a card beside the same one of now."""
    print_line(console, "checked", f"{found.card.experiment}, made {found.card.made.partition('T')[0]}")
    for name, verdict in found.figures.items():
        before = measured_words(found.card.figures[name])
        now = measured_words(found.again.figures[name]) if name in found.again.figures else "not measured"
        print_line(console, verdict.word, f"{name}: {before} on the card, {now} now", verdict.why)
    for each in found.another:
        print_line(console, "another", each, "than when the card was made")
    print_line(
        console, "holds" if found.holds else "does not", "the card" if found.holds else "hold: the card"
    )
