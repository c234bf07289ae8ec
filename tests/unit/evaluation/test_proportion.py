import json
import math

import numpy as np
import pytest
from scipy import stats

from convscope.evaluation.proportion import MeanOverRuns, Proportion


@pytest.mark.parametrize(
    ("correct", "n", "text"),
    [
        (9786, 10_000, "97.86 % (9,786 / 10,000), 95 % interval 97.6–98.1"),
        (58, 62, "93.5 % (58 / 62), 95 % interval 84.6–97.5"),
        (57, 62, "91.9 % (57 / 62), 95 % interval 82.5–96.5"),
        (62, 62, "100.0 % (62 / 62), 95 % interval 94.2–100.0"),
        (0, 62, "0.0 % (0 / 62), 95 % interval 0.0–5.8"),
        (0, 0, "– (0 / 0)"),
    ],
)
def test_text(correct: int, n: int, text: str) -> None:
    assert str(Proportion(correct, n)) == text


def test_text_never_claims_all_or_nothing_falsely() -> None:
    assert str(Proportion(9_999, 10_000)) == "99.99 % (9,999 / 10,000), 95 % interval 99.943–99.998"
    assert str(Proportion(99_999, 100_000)).startswith("99.999 %")
    assert "interval 0.002–0.057" in str(Proportion(1, 10_000))


def test_text_keeps_the_ends_of_a_narrow_interval_apart() -> None:
    low, high = str(Proportion(30_000_000, 60_000_000)).rsplit(" ", 1)[1].split("–")
    assert float(low) < 50 < float(high)


@pytest.mark.parametrize(("correct", "n"), [(0, 1), (1, 1), (58, 62), (341, 366), (9786, 10_000), (0, 5000)])
def test_interval_is_wilsons(correct: int, n: int) -> None:
    reference = stats.binomtest(correct, n).proportion_ci(method="wilson")
    assert Proportion(correct, n).interval == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_representation() -> None:
    assert repr(Proportion(341, 366)) == "Proportion(0.932, interval=(0.901, 0.953), n=366)"
    assert repr(Proportion(0, 0)) == "Proportion(nan, interval=(0.000, 1.000), n=0)"


def test_nothing_is_known_without_images() -> None:
    empty = Proportion(0, 0)
    assert math.isnan(empty.value)
    assert empty.interval == (0.0, 1.0)
    assert json.loads(json.dumps(empty.to_dict(), allow_nan=False))["value"] is None


def test_dictionary() -> None:
    document = Proportion(3, 4).to_dict()
    assert list(document) == ["value", "interval", "n", "correct"]
    assert document["value"] == 0.75
    assert document["interval"][0] < 0.75 < document["interval"][1]


@pytest.mark.parametrize(("correct", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(correct: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= correct <= n"):
        Proportion(correct, n)


def test_mean_over_seeds_has_students_interval() -> None:
    values = (0.91, 0.93, 0.92, 0.95)
    runs = MeanOverRuns(values)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert runs.interval == pytest.approx((reference.low, reference.high))
    assert runs.standard_deviation == pytest.approx(np.std(values, ddof=1))
    assert runs.to_dict()["n"] == 4


def test_folds_interval_is_nadeau_and_bengios() -> None:
    values = tuple(np.linspace(0.80, 0.90, 25).tolist())
    runs = MeanOverRuns.of_folds(values, num_folds=5)
    half = stats.t.ppf(0.975, 24) * math.sqrt((1 / 25 + 1 / 4) * np.var(values, ddof=1))
    assert runs.interval == pytest.approx((0.85 - half, 0.85 + half))


def test_a_share_stays_within_0_and_1() -> None:
    assert MeanOverRuns((0.99, 1.0, 0.95), is_share=True).interval[1] == 1.0
    assert MeanOverRuns((3.0, 5.0)).interval[1] > 5.0


def test_one_run_has_no_interval() -> None:
    run = MeanOverRuns((0.9,), is_share=True)
    assert str(run) == "90.0 % (1 run: no interval)"
    assert json.loads(json.dumps(run.to_dict(), allow_nan=False)) == {
        "value": 0.9,
        "sd": None,
        "interval": [None, None],
        "n": 1,
        "values": [0.9],
    }


def test_text_of_runs() -> None:
    text = str(MeanOverRuns((0.91, 0.93, 0.92, 0.95), is_share=True))
    assert text == "92.8 % (4 runs, standard deviation 1.7), 95 % interval 90.0–95.5"
    assert str(MeanOverRuns((-0.1, 0.1, 0.05))).endswith("95 % interval −0.242 to 0.275")
    assert str(MeanOverRuns((0.1 + 0.2, 0.3))).endswith("interval 0.300–0.300")
    assert str(MeanOverRuns(())) == "– (0 runs)"
