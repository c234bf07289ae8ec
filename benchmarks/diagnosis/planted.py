"""Faults planted in small trainings, each with its healthy twin: is it named first, is the twin left alone?

    python benchmarks/diagnosis/planted.py [--data mnist] [--seeds 2] [--only bad-init,leak] [--out FILE.md]

A fault is found where its name stands first among the findings. A twin is the same training without the
fault; it is left alone where none of its findings is a warning or an error. Everything runs on one thread.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

import torch
from faults import DATA, FAULTS, PHOTOS, Case, Fault


def main() -> None:
    """Print a line for each training, and a table in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=DATA, default="digits")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    only = set(filter(None, asked.only.split(",")))
    seeds = range(asked.first, asked.first + asked.seeds)
    wanted = [fault for fault in FAULTS if not only or fault.name in only]
    wanted = [fault for fault in wanted if asked.data != PHOTOS or not fault.is_of_scratch]
    rows = [_row(fault, asked.data, seeds) for fault in wanted]
    table = "\n".join(
        [
            "| fault | data | finding | named first | named at all | twins with a warning | said instead |",
            "|---|---|---|---|---|---|---|",
            *rows,
        ]
    )
    print(table)
    if asked.out:
        flags = f"--data {asked.data} --seeds {asked.seeds} --first {asked.first}"
        made = f"`python benchmarks/diagnosis/planted.py {flags}`"
        head = f"# Planted faults, each with its healthy twin\n\n{date.today()}, by {made}.\n\n"
        asked.out.write_text(f"{head}{table}\n")


def _row(fault: Fault, data: str, seeds: range) -> str:
    first = named = alarmed = 0
    instead: list[str] = []
    for seed in seeds:
        for planted in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                found = fault.make(Case(data=data, seed=seed, planted=planted, folder=Path(folder)))
            names = [finding.name for finding in found.findings]
            alarming = [finding.name for finding in found.findings if finding.is_alarming]
            print(f"{fault.name} seed {seed} {'planted' if planted else 'healthy'}: {names}", flush=True)
            if planted:
                first += names[:1] == [fault.expected]
                named += fault.expected in names
                instead += names[:1] if names[:1] != [fault.expected] else []
            else:
                alarmed += bool(alarming)
                instead += [f"twin: {name}" for name in alarming]
    said = ", ".join(sorted(set(instead)))
    total = len(seeds)
    return (
        f"| {fault.name} | {fault.data or data} | {fault.expected} | {first} of {total} | {named} "
        f"| {alarmed} of {total} | {said} |"
    )


if __name__ == "__main__":
    main()
