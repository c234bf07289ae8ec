"""Make the dated table of what measure.py has measured: Markdown, and all measurements as JSON beside it.

    python benchmarks/peers/table.py RESULTS.jsonl --into benchmarks/results

Figures are medians over the rounds. A ratio is a peer's figure over convscope's of the same round, median,
with the 95 % interval of a bootstrap over rounds (10,000 draws); above 1, convscope took less. Who never
arrived at a goal has no time, and counts as slower than any that did.
"""

import argparse
import json
import math
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import read
from rows import ROWS, Row

OURS = "convscope"
DRAWS = 10_000
FEW_ROUNDS = 5
BUSY = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--into", type=Path, required=True, help="for peers-DATE.md and peers-DATE.json")
    parser.add_argument("--most-others", type=float, default=1.0, help="share of other load that is too much")
    arguments = parser.parse_args()
    measured = read(arguments.results)
    kept = [each for each in measured if each["others"] <= arguments.most_others or failed(each)]
    day = time.strftime("%Y-%m-%d")
    text = "\n".join([*head(day, kept, len(measured) - len(kept)), *sections(kept)]) + "\n"
    (arguments.into / f"peers-{day}.md").write_text(text)
    (arguments.into / f"peers-{day}.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(text)


def failed(measurement: dict[str, Any]) -> bool:
    return "failed" in measurement["figures"]


def head(day: str, measured: list[dict[str, Any]], left_out: int) -> list[str]:
    versions = dict(item for each in measured for item in each["versions"].items())
    threads = sorted({str(each["threads"]) for each in measured})
    lines = [
        f"# convscope and its peers, side by side: {day}",
        "",
        f"{processor()}; {' and '.join(threads)} threads; no network. Made by benchmarks/peers/table.py; "
        "how it was measured, and where each recipe is from: benchmarks/peers/README.md.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
    ]
    if any(each.get("quick") for each in measured):
        lines += ["", "**Measured with --quick: the figures below mean nothing.**"]
    if any(each["others"] > BUSY for each in measured):
        said = f"Others used more than {BUSY:.0%} of the machine: a first look, nothing is claimed from it."
        lines += ["", f"**{said}**"]
    if left_out:
        lines += ["", f"Left out because others used the machine meanwhile: {left_out} measurements."]
    return lines


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def sections(measured: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for name, row in ROWS.items():
        of_row = [each for each in measured if each["row"] == name]
        if of_row:
            lines += ["", f"## {row.title}", "", *table(row, of_row), "", load_line(of_row)]
            lines += [*not_ahead(row, of_row), *unable(of_row)]
    return lines


def table(row: Row, measured: list[dict[str, Any]]) -> list[str]:
    arrives = any("arrived" in each["figures"] for each in measured)
    headings = ["", "rounds", *(heading for _, heading, _ in row.figures)]
    headings += [f"{heading}: ratio to convscope" for key, heading, _ in row.figures if key in row.ratios]
    headings += ["arrived"] if arrives else []
    headings += ["works offline"] if row.tells_offline else []
    lines = [f"| {' | '.join(headings)} |", f"|---|{'--:|' * (len(headings) - 1)}"]
    ours = rounds_of(measured, OURS)
    asked = {each["peer"] for each in measured}
    for peer in (peer for peer in row.peers if peer in asked):
        theirs = rounds_of(measured, peer)
        cells = [f"**{peer}**" if peer == OURS else peer, str(len(theirs))]
        cells += [middle(theirs, key, form) for key, _, form in row.figures]
        cells += ["" if peer == OURS else written(ratio(key, theirs, ours)) for key in row.ratios]
        cells += [share_arrived(theirs)] if arrives else []
        cells += ["yes" if theirs else "no"] if row.tells_offline else []
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def rounds_of(measured: list[dict[str, Any]], peer: str) -> dict[int, dict[str, Any]]:
    """Round → figures, of the measurements that succeeded."""
    return {each["round"]: each["figures"] for each in measured if each["peer"] == peer and not failed(each)}


def share_arrived(rounds: dict[int, dict[str, Any]]) -> str:
    return f"{sum(each['arrived'] for each in rounds.values())} of {len(rounds)}"


def middle(rounds: dict[int, dict[str, Any]], key: str, form: str) -> str:
    """The median, and the range; nothing where nobody arrived, or the peer has no such figure."""
    found = [each[key] for each in rounds.values() if each.get(key) is not None]
    if not found:
        return "–"
    said = format(statistics.median(found), form)
    images = next(iter(rounds.values())).get("images")
    if len(found) == 1 and key == "accuracy" and images:
        low, high = wilson(found[0], images)
        return f"{said} ({format(low, form)}–{format(high, form)}, {images} images)"
    if min(found) == max(found):
        return said
    return f"{said} ({format(min(found), form)}–{format(max(found), form)})"


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927)."""
    middle_one = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle_one - half, middle_one + half


@dataclass(frozen=True)
class Ratio:
    """Median over rounds, and the interval of a bootstrap; one round has none."""

    value: float
    low: float
    high: float
    rounds: int


def ratio(key: str, theirs: dict[int, dict[str, Any]], ours: dict[int, dict[str, Any]]) -> Ratio | None:
    pairs = [
        (late(theirs[number].get(key)), late(ours[number].get(key)))
        for number in sorted(theirs.keys() & ours.keys())
    ]
    if not pairs or all(key not in each for each in theirs.values()):
        return None
    ratios = [1.0 if peer == own else peer / own for peer, own in pairs]  # both not arrived: no difference
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    low, high = (medians[round(share * (DRAWS - 1))] for share in (0.025, 0.975))
    return Ratio(statistics.median(ratios), low, high, len(ratios))


def written(found: Ratio | None) -> str:
    if found is None:
        return "–"
    if found.rounds == 1:
        return f"{plain(found.value)}, one round"
    said = f"{plain(found.value)} ({plain(found.low)}–{plain(found.high)})"
    return f"{said}, {found.rounds} rounds" if found.rounds < FEW_ROUNDS else said


def not_ahead(row: Row, measured: list[dict[str, Any]]) -> list[str]:
    """Whom convscope is not faster than, as far as these rounds can tell, and why."""
    ours = rounds_of(measured, OURS)
    found = []
    for key, heading, _ in row.figures:
        if key in row.ratios:
            ratios = {peer: ratio(key, rounds_of(measured, peer), ours) for peer in row.peers if peer != OURS}
            level = [peer for peer, each in ratios.items() if each and each.low <= 1]
            found += [f"{heading}: {', '.join(level)}"] if level else []
    return ["", f"Where convscope is not ahead: {'; '.join(found)}. {row.why}"] if found else []


def late(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def plain(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2f}"


def load_line(measured: list[dict[str, Any]]) -> str:
    others = sorted(each["others"] for each in measured if not failed(each))
    if not others:
        return ""
    middle_one, most = statistics.median(others), others[-1]
    return f"Other load meanwhile: {middle_one:.0%} of the machine in the median, {most:.0%} at most."


def unable(measured: list[dict[str, Any]]) -> list[str]:
    """Who could not do a row in the end, and what happened."""
    last = {each["peer"]: each for each in measured}
    found = [each for each in last.values() if failed(each)]
    return [line for each in found for line in ("", f"- **{each['peer']}**: {each['figures']['failed']}")]


if __name__ == "__main__":
    main()
