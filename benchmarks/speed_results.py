"""Where the figures of docs/speed.md are kept: measured rows, one after the other, in results/speed.json."""

import datetime
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "speed.json"


def prepare_process() -> None:
    """As the command does: threads wait without spinning, freed memory is kept, all cores compute."""
    from convscope.cli.process import tune_process

    tune_process()
    from convscope.config.asked import TrainingConfig
    from convscope.training.device import use_device

    use_device(TrainingConfig(device="cpu"))


def timed(ways: Mapping[str, Callable[[], object]], rounds: int, calls: int = 1) -> dict[str, Any]:
    """Time ways in turn, the first the one that the others are set against.

    Returns:
        For each way its seconds of each round and its time over the first one's, with the interval; and how
        quiet the machine was.
    """
    from convscope.benchmarking.ratio import ratio_of
    from convscope.benchmarking.rounds import time_in_turn

    for way in ways.values():
        way()
    taken, quietness = time_in_turn(ways, rounds=rounds, calls=calls)
    seconds = {name: [sum(calls) / len(calls) for calls in rounds] for name, rounds in taken.items()}
    first = next(iter(seconds.values()))
    row: dict[str, Any] = {"ways": {}, "quiet": quietness.to_dict()}
    for name, each in seconds.items():
        row["ways"][name] = {
            "median": median(each),
            "seconds": [float(f"{value:.4g}") for value in each],
            "ratio": ratio_of(each, first).to_dict(),
        }
    return row


def keep(section: str, name: str, row: dict[str, Any]) -> None:
    """Put a row in its place among the results, with the day and the machine, and print it."""
    import torch

    from convscope.runs.environment import describe_environment

    machine = describe_environment(device=torch.device("cpu"), seed=0)
    row["day"] = str(datetime.date.today())
    row["machine"] = {
        "processor": machine["processor"],
        "threads": machine["threads"],
        "torch": torch.__version__,
    }
    results = read_results()
    results.setdefault(section, {})[name] = row
    _write(results)
    print(f"{section}: {name}   {row['quiet']}")
    for way, found in row["ways"].items():
        low, high = found["ratio"]["interval"] or (float("nan"),) * 2
        error = f"   error {row['errors'][way]:.1e}" if "errors" in row else ""
        ratio = f"× {found['ratio']['value']:.3f} ({low:.3f}–{high:.3f})"
        print(f"  {way:45} {1000 * found['median']:9.1f} ms   {ratio}{error}")


def keep_answers(name: str, row: dict[str, float]) -> None:
    """Put what a classifier would answer in its place among the results, and print it."""
    results = read_results()
    results.setdefault("answers", {})[name] = row
    _write(results)
    print(name, row)


def keep_fine_tuning(name: str, seeds: dict[str, Any]) -> None:
    """Put the same trainings in two number formats in their place among the results."""
    results = read_results()
    results.setdefault("fine-tuning", {})[name] = seeds
    _write(results)


def _write(results: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_results() -> dict[str, Any]:
    """Section → name → row."""
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.is_file() else {}
