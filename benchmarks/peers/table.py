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
from pathlib import Path
from typing import Any

from measure import read
from rows import ROWS, Row

OURS = "convscope"
DRAWS = 10_000
FEW_ROUNDS = 5


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
            lines += unable(of_row)
    return lines


def table(row: Row, measured: list[dict[str, Any]]) -> list[str]:
    arrives = any("arrived" in each["figures"] for each in measured)
    headings = ["", "rounds", *(["arrived"] if arrives else []), *(heading for _, heading, _ in row.figures)]
    label = next(heading for key, heading, _ in row.figures if key == row.ratio)
    headings.append(f"{label}: ratio to convscope")
    lines = [f"| {' | '.join(headings)} |", f"|---|{'--:|' * (len(headings) - 1)}"]
    ours = rounds_of(measured, OURS)
    for peer in row.peers:
        theirs = rounds_of(measured, peer)
        if theirs:
            cells = [f"**{peer}**" if peer == OURS else peer, str(len(theirs))]
            cells += [share_arrived(theirs)] if arrives else []
            cells += [middle(theirs, key, form) for key, _, form in row.figures]
            lines.append(f"| {' | '.join([*cells, '' if peer == OURS else ratio(row, theirs, ours)])} |")
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
    written = format(statistics.median(found), form)
    if len(found) == 1 or min(found) == max(found):
        return written
    return f"{written} ({format(min(found), form)}–{format(max(found), form)})"


def ratio(row: Row, theirs: dict[int, dict[str, Any]], ours: dict[int, dict[str, Any]]) -> str:
    pairs = [
        (late(theirs[number].get(row.ratio)), late(ours[number].get(row.ratio)))
        for number in sorted(theirs.keys() & ours.keys())
    ]
    if not pairs:
        return ""
    ratios = [1.0 if peer == own else peer / own for peer, own in pairs]  # both not arrived: no difference
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    low, high = (medians[round(share * (DRAWS - 1))] for share in (0.025, 0.975))
    said = f"{plain(statistics.median(ratios))} ({plain(low)}–{plain(high)})"
    return f"{said}; few rounds" if len(ratios) < FEW_ROUNDS else said


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
