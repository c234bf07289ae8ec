"""docs/speed.md says what was measured."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    found = importlib.import_module("speed_page")
    for name in ("speed_page", "speed_results"):
        monkeypatch.delitem(sys.modules, name)
    return found


def test_the_page_is_made_of_todays_results(script: ModuleType) -> None:
    page = (REPOSITORY / "docs/speed.md").read_text(encoding="utf-8")
    assert page == script.page(), "it is stale: python benchmarks/speed.py write"


def test_a_ratio_whose_interval_holds_one_is_never_called_faster(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def way(value: float, low: float, high: float) -> dict[str, object]:
        return {"median": 0.1, "ratio": {"value": value, "interval": [low, high]}}

    row = {
        "ways": {
            "ours": way(1, 1, 1),
            "near": way(0.9, 0.8, 1.01),
            "quick": way(0.5, 0.4, 0.6),
            "slow": way(2, 1.9, 2.1),
        },
        "quiet": {"rounds": 7, "repeated": 7, "disturbed": 2, "others_share": 0.2},
        "machine": {"processor": "a CPU", "threads": 2, "torch": "2"},
        "day": "2026-01-01",
    }
    monkeypatch.setattr(script, "read_results", lambda: {"choices": {"a step": row}})

    lines = {line.split("|")[1].strip(): line for line in script.page().splitlines() if line.startswith("|")}

    assert lines["near"].endswith("| 0.90 (0.80–1.01) | too close to tell |")
    assert lines["quick"].endswith("| **faster** |")
    assert lines["slow"].endswith("| slower |")
    assert "2 of 7 rounds disturbed, by up to 20 % of the CPU time" in script.page()
