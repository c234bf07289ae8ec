"""Units, and images that belong together: what is compared does not turn on how it is written down."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.cli.main import run as command
from convscope.comparison.comparing import Comparison, compare_sides
from convscope.comparison.estimate import of_folds
from convscope.comparison.sides import read_side
from convscope.comparison.verdicts import word

from .conftest import answers, make_run, numbers

ALL = [True] * 300
SERIES = np.repeat(np.arange(30), 10)


def compared(*paths: Path) -> Comparison:
    return compare_sides(*(read_side(path) for path in paths))


@pytest.mark.parametrize("unit", [1.0, 0.001])
def test_a_verdict_on_numbers_does_not_depend_on_their_unit(tmp_path: Path, unit: float) -> None:
    """Millimetres that were written as metres could never be told apart."""
    random = np.random.default_rng(0)
    true = random.normal(size=100)
    for name, error in (("a", 2.0), ("b", 1.6)):
        for seed in range(5):
            given = true + random.choice([-1, 1], 100) * (error + 0.1 * random.normal(size=100))
            make_run(tmp_path / name / f"seed-{seed}", numbers(unit * given, unit * true), seed=seed)
    found = compared(tmp_path / "a", tmp_path / "b")
    assert found.difference.p_value < 1e-6
    assert found.difference.interval[1] < 0


def test_corrected_numbers_judge_both_though_they_are_kept_in_32_bits(tmp_path: Path) -> None:
    true = [3.7, 4.1, 5.3, 6.9]
    a = make_run(tmp_path / "a", numbers(true, true))
    b = make_run(tmp_path / "b", numbers(true, [2.7, *true[1:]]))
    log = [{"path": "0.png", "content": "content-0", "split": "test", "old": "3.7", "new": "2.7"}]
    (b / "dataset.json").write_text(json.dumps({"sizes": {"train": 100}, "corrected": log}))
    found = compared(a, b)
    assert found.values == pytest.approx((0.25, 0.25))
    assert "corrected labels" in found.notes[0]


def test_a_handful_of_series_does_not_show_that_two_are_the_same(tmp_path: Path) -> None:
    """Nothing differs on twelve images: an interval of no width said that nothing ever will."""
    sides = [replace(answers(ALL[:12]), groups=np.repeat(np.arange(3), 4)) for _ in range(2)]
    found = compared(*(make_run(tmp_path / name, each) for name, each in zip("ab", sides, strict=True)))
    assert word(found) == "too close to tell"
    low, high = found.difference.interval
    assert low < -0.3 < 0.3 < high


def test_folds_that_are_all_right_leave_as_much_open_as_their_images() -> None:
    few, many = (of_folds(np.zeros(5), 5, n, is_share=True) for n in (50, 5_000))
    assert not few.is_within(0.01)
    assert many.is_within(0.01)


def test_the_test_is_named_that_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [row >= 50 for row in range(300)]
    for name, right in (("a", ALL), ("b", wrong)):
        make_run(tmp_path / name, replace(answers(right), groups=SERIES))
    assert command(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Student's paired test, n = 300 in 30 series" in said
    assert "McNemar" not in said


def test_what_it_takes_counts_images_that_belong_together_as_one(
    tmp_path: Path, group: Callable[..., Path]
) -> None:
    """Ten images of one thing say what one says: as much is to be seen with ten times as many."""
    random = np.random.default_rng(1)
    right = {name: [np.repeat(random.random(30) < 0.9, 10) for _ in range(4)] for name in "ab"}
    for name, each in right.items():
        for seed, one in enumerate(each):
            judged = replace(answers(one.tolist()), groups=SERIES)
            make_run(tmp_path / "together" / name / f"seed-{seed}", judged, seed=seed)
    alone = compared(*(group(name, [one.tolist() for one in each]) for name, each in right.items()))
    together = compared(*(tmp_path / "together" / name for name in "ab"))
    assert alone.needs is not None
    assert together.needs is not None
    assert together.needs.images_between_two > 6 * alone.needs.images_between_two
    assert together.needs.spread.of_luck > 6 * alone.needs.spread.of_luck
    assert "count as one" in together.needs.rests_on
