"""`docs/reference-experiments.md`: what the sources reported beside what the result cards say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convscope.config.experiment_file import Published
from convscope.config.reference import Reference
from convscope.trials.cards.card import Card, Result
from convscope.trials.cards.saying import (
    figure_words,
    interval_words,
    measured,
    measured_words,
    reported,
    reported_words,
)
from convscope.trials.reproducing.experiments import reference_of
from convscope.wording import command, duration, percent, some

Kept = tuple[Published, Card | None, str]
"""An experiment, its newest whole card, and where that lies, seen from the page."""

INTRODUCTION = """\
# The reference experiments

convscope grew out of published experiments. Here each of them is run again: what its source reported
stands beside what is measured. The page is made from result cards by `python scripts/reference_page.py`,
and nothing on it is typed by hand. `convscope reproduce NAME` runs an experiment and leaves a card;
`convscope reproduce --check CARD` runs a card's experiment again and judges the two.

**agrees**: the reported figure lies in the 95 % prediction interval of our seeds (Student's t), widened
by what the source's own number of images leaves open: the column `expected`; a figure stands for all that
would be rounded to it. With one seed, how far seeds lie apart is not known, and only the images' share is
covered. **better**, **worse**: it lies outside, and the cause is named; **differs**, where neither is better.
**not comparable**: other data, or another machine's time. An interval of accuracies is over seeds where there
are several (Student's t), else over the images (Wilson).
"""


def reference_page(kept: Sequence[Kept], pictures: Path | None = None) -> str:
    """The page as Markdown.

    Args:
        kept: every experiment.
        pictures: the folder beside the page in which they lie: `<experiment>-<what>.svg`, `.png`, `.html`.
    """
    ordered = sorted(kept, key=lambda each: _row_number(reference_of(each[0])))
    return "\n".join([INTRODUCTION, *_overview(ordered), "", *(_section(each, pictures) for each in ordered)])


def _row_number(reference: Reference) -> tuple[int, str]:
    digits = "".join(sign for sign in reference.source if sign.isdigit())
    return int(digits or 0), reference.source


def _overview(kept: Sequence[Kept]) -> list[str]:
    lines = ["| row | experiment | reported | measured | verdict | time |", "|---|---|---|---|---|---|"]
    for experiment, card, _ in kept:
        reference = reference_of(experiment)
        found = ("not yet", "", "") if card is None else (measured(card), f"**{card.verdict}**", _time(card))
        name = f"[{experiment.name}](#{experiment.name})"
        lines.append("| " + " | ".join((reference.source, name, reported(reference), *found)) + " |")
    return lines


def _time(card: Card) -> str:
    seeds = len(card.seeds)
    return duration(max(card.seconds)) + (f" a seed, {seeds}" if seeds > 1 else "")


def _section(kept: Kept, pictures: Path | None) -> str:
    experiment, card, path = kept
    reference = reference_of(experiment)
    lines = [f"## {experiment.name}", "", f"**{reference.source}**: {reference.shows}."]
    lines += ["", f"The source: {reference.says}."]
    lines += _sentences("Different here", reference.differs) + _sentences(
        "Wrong in the source", reference.wrong
    )
    if reference.source_minutes is not None:
        lines += ["", f"The source took {duration(60 * reference.source_minutes)}."]
    if card is None:
        lines += ["", f"Not run yet: `{command('convscope', 'reproduce', experiment.name)}`."]
    else:
        lines += _of_card(card, reference, path)
    lines += _pictures(experiment.name, pictures)
    return "\n".join([*lines, ""])


def _sentences(begin: str, text: str | None) -> list[str]:
    return [] if text is None else ["", f"{begin}: {text}."]


def _of_card(card: Card, reference: Reference, path: str) -> list[str]:
    lines = ["", *_figures({**card.figures, **card.orderings})]
    why = "" if not card.why else f": {card.why}"
    lines += ["", f"**{card.verdict}**{why}."]
    if card.verdict in ("better", "worse", "differs"):
        lines += _sentences("Because", reference.because)
    for change in card.ablations.values():
        value = figure_words(change["kind"], change["value"], change["images"])
        lines += ["", f"Tested: with {change['says']} it is {value}: {change['verdict']}."]
    if card.data.get("differs"):
        lines += ["", f"Data: `{card.data['used']}`, {card.data['differs']}."]
    for name, result in card.figures.items():
        lines += _course(name, result)
    return [*lines, "", _made(card, path)]


def _figures(figures: dict[str, Result]) -> list[str]:
    lines = ["| figure | reported | measured | expected | verdict |", "|---|---|---|---|---|"]
    for name, result in figures.items():
        kind, verdict = result.measured.kind, result.verdict
        interval = interval_words(kind, verdict.interval)
        is_point = verdict.interval is None or verdict.interval[0] == verdict.interval[1]
        why = f" {verdict.why}" if kind == "claim" else ""
        cells = (name, _reported(result), measured_words(result) + why, "" if is_point else interval)
        lines.append("| " + " | ".join((*cells, verdict.word)) + " |")
    return lines


def _reported(result: Result) -> str:
    if not result.reported:
        return ""
    kind, said = result.measured.kind, result.reported
    text = reported_words(kind, said)
    return text + (f" of {said['images']:,}" if said.get("images") and kind == "accuracy" else "")


def _course(name: str, result: Result) -> list[str]:
    """A figure that was followed, beside that of the whole split."""
    course = result.measured.seeds[0].course
    if not course:
        return []
    inside = sum(row["low"] <= row["whole"] <= row["high"] for row in course)
    width = max(row["high"] - row["low"] for row in course) / 2
    lines = [
        "",
        f"The {name} and its 95 % band (up to ±{100 * width:.1f} points), beside the whole split's:",
        "",
    ]
    lines += ["| step | these images | band | whole split | band |", "|---|---|---|---|---|"]
    lines += [_course_row(row) for row in course]
    return [*lines, "", f"The whole split's accuracy lies in the band {inside} of {len(course)} times."]


def _course_row(row: dict[str, Any]) -> str:
    few, whole = (
        f"{100 * row[low]:.1f}–{100 * row[high]:.1f}"
        for low, high in (("low", "high"), ("whole_low", "whole_high"))
    )
    return f"| {row['step']:,} | {percent(row['value'], 1)} | {few} | {percent(row['whole'], 1)} | {whole} |"


def _made(card: Card, path: str) -> str:
    seeds = f", {some(len(card.seeds), 'seed')}" if card.seeds else ""
    machine = card.environment
    cores = some(int(machine.get("cores") or 1), "core")
    torch = (machine.get("packages") or {}).get("torch", "")
    day = card.made.partition("T")[0]
    return f"[Card]({path}) of {day}: {machine.get('processor')}, {cores}, torch {torch}{seeds}."


def _pictures(name: str, folder: Path | None) -> list[str]:
    if folder is None or not folder.is_dir():
        return []
    lines: list[str] = []
    for path in sorted(folder.glob(f"{name}-*")):
        words = path.stem.removeprefix(f"{name}-").replace("-", " ")
        if path.suffix in (".png", ".svg", ".webp"):
            lines += ["", f"![{words}]({folder.name}/{path.name})"]
        elif path.suffix == ".html":  # a page of its own, which a README cannot show
            lines += ["", f"[{words}]({folder.name}/{path.name}), to open in a browser"]
    return lines
