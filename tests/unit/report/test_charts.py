from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from convscope.report.charts import lines, signals
from convscope.report.charts import results as charts
from convscope.report.charts.vector import AnyChart, to_png, to_svg
from convscope.report.page.material import read_material


def words(chart: AnyChart) -> str:
    """All that can be read on a chart, which must be well-formed SVG."""
    root = ElementTree.fromstring(to_svg(chart))
    return " ".join(each.text or "" for each in root.iter() if each.tag.endswith("text"))


def record(step: int, split: str, **values: float | None) -> dict:
    return {"step": step, "epoch": 0, "split": split, "loss": 1.0, "accuracy": 0.5, **values}


def test_curves_have_one_line_per_split_that_was_recorded() -> None:
    records = [record(1, "batch"), record(2, "batch"), record(2, "validation"), record(3, "train")]
    assert [series.name for series in lines.loss_series(records)] == ["batch", "train", "validation"]
    said = words(lines.line_chart(lines.loss_series(records), lines.loss_axes(lines.loss_series(records))))
    assert all(name in said for name in ("batch", "train", "validation", "loss", "step"))


def test_validation_accuracy_carries_its_wilson_interval_and_training_none() -> None:
    records = [record(5, "train"), record(5, "validation", accuracy=0.935)]
    train, validation = lines.accuracy_series(records, validation_size=62)
    assert train.low == ()
    assert validation.low[0] == pytest.approx(0.846, abs=0.001)
    assert validation.high[0] == pytest.approx(0.975, abs=0.001)


def test_what_is_not_a_number_is_left_out_and_regression_has_no_accuracy() -> None:
    records = [record(1, "batch", accuracy=None), record(2, "batch", loss=float("nan"), accuracy=None)]
    assert lines.loss_series(records)[0].x == (1.0,)
    assert lines.accuracy_series(records, 100) == []


def test_accuracies_that_crowd_at_the_top_are_drawn_as_errors_on_a_logarithmic_axis() -> None:
    records = [
        {"split": "validation", "step": k, "accuracy": a} for k, a in enumerate((0.5, 0.95, 0.98, 1.0))
    ]
    series = lines.accuracy_series(records, 200)
    assert lines.crowds_at_the_top(series)
    assert not lines.crowds_at_the_top(lines.accuracy_series(records[:2], 200))
    wrong = lines.error_series(series, 200)[0]
    assert wrong.y == pytest.approx((0.5, 0.05, 0.02, 0.0025))
    assert all(low <= y <= high for low, y, high in zip(wrong.low, wrong.y, wrong.high, strict=True))


def test_the_shade_of_an_interval_is_drawn_below_every_line() -> None:
    records = [
        {"split": split, "step": k, "accuracy": 0.5 + k / 10}
        for split in ("train", "validation")
        for k in (0, 1)
    ]
    drawn = lines.line_chart(lines.accuracy_series(records, 50), lines.ACCURACY_AXES).to_dict()
    kinds = [layer["mark"]["type"] for layer in drawn["layer"]]
    assert kinds == sorted(kinds, key=lambda kind: kind != "area")
    assert kinds.count("area") == 1


def test_long_records_are_thinned_but_keep_their_last_point() -> None:
    series = lines.loss_series([record(step, "batch") for step in range(10_000)])[0]
    assert len(series.x) <= lines.LONGEST + 1
    assert series.x[-1] == 9999


def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_axis() -> None:
    far = [record(1, "batch", loss=15000.0), record(2, "batch", loss=0.1)]
    near = [record(1, "batch", loss=2.3), record(2, "batch", loss=1.9)]
    assert lines.loss_axes(lines.loss_series(far)).y_log
    assert not lines.loss_axes(lines.loss_series(near)).y_log


def test_a_chart_needs_something_to_draw() -> None:
    with pytest.raises(ValueError, match="at least one series"):
        lines.line_chart([], lines.ACCURACY_AXES)


def test_learning_rate_finder_names_its_proposal_and_leaves_the_explosion_out() -> None:
    rates = np.logspace(-5, 1, 60)
    losses = 2.3 - 1.5 / (1 + np.exp(-3 * (np.log10(rates) + 2.5))) + np.exp(3 * np.log10(rates))
    losses[-1] = np.inf
    chart = signals.learning_rate_finder_chart(
        rates.tolist(), losses.tolist(), losses.tolist(), proposed=0.02, steep=(1e-3, 8e-2)
    )
    said = words(chart)
    assert "0.02" in said
    assert "1e1" in said
    assert "the loss falls" in said
    assert "500" not in said


def test_signal_chart_names_layers_and_deviations() -> None:
    said = words(signals.signal_chart(["conv1", "conv2", "linear"], [0.9, 11.0, 21000.0]))
    assert all(each in said for each in ("conv1", "conv2", "linear", "0.9", "11", "21,000"))


def test_histogram_sheet_has_a_title_per_layer() -> None:
    counts, edges = np.histogram(np.random.default_rng(0).normal(size=200), 20)
    sheet = [
        signals.Histogram(name=name, edges=edges, counts=counts, note=note)
        for name, note in (("conv1", "41 % zero"), ("conv2", ""))
    ]
    said = words(signals.histogram_sheet(sheet))
    assert "conv1" in said
    assert "41 % zero" in said
    assert "conv2" in said


def test_charts_of_an_evaluation_can_be_read(digits_run: Path) -> None:
    judged = read_material(digits_run).predictions["test"]
    assert "how sure it was" in words(charts.reliability_chart(judged.calibration))


def test_regression_chart_and_png() -> None:
    chart = charts.predicted_against_true_chart([1, 2, 3], [1.1, 2.4, 2.9], seen=(1, 2))
    assert "predicted" in words(chart)
    assert to_png(chart).startswith(b"\x89PNG")
