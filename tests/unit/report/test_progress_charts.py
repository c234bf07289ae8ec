from xml.etree import ElementTree

import pytest

from convscope.evaluation.proportion import Proportion
from convscope.report.charts.progress import (
    AtStep,
    accuracy_at_steps_chart,
    few_and_all_chart,
    optimizer_chart,
)
from convscope.report.charts.vector import AnyChart, to_svg


def words(chart: AnyChart) -> set[str]:
    root = ElementTree.fromstring(to_svg(chart))
    return {each.text or "" for each in root.iter() if each.tag.endswith("text")}


def records(rate: float, seconds: float) -> list[dict]:
    return [
        {"step": step, "split": "batch", "loss": 2.3 / (1 + rate * step), "seconds": seconds * step}
        for step in range(1, 400)
    ]


def test_an_accuracy_stands_at_each_step_beside_what_was_reported() -> None:
    moments = [
        AtStep(step=0, measured=Proportion(934, 10_000), reported=0.104),
        AtStep(step=1_000, measured=Proportion(9_310, 10_000)),
    ]
    said = words(accuracy_at_steps_chart(moments))
    assert {"before training", "1,000", "9.3 %", "93.1 %", "measured", "reported"} <= said
    with pytest.raises(ValueError, match="at least one moment"):
        accuracy_at_steps_chart([])


def test_a_band_says_how_little_a_few_images_say() -> None:
    course = [
        {"step": step, "value": 0.9, "low": 0.85, "high": 0.93, "whole": 0.91} for step in (215, 430, 645)
    ]
    said = words(few_and_all_chart(course, 256, 5_000))
    assert {"256 images, 95 % interval", "all 5,000", "step"} <= said
    words(few_and_all_chart(course[:1], 256, 5_000))  # one moment is a picture, too
    with pytest.raises(ValueError, match="at least one moment"):
        few_and_all_chart([], 256, 5_000)


def test_trainings_are_compared_by_steps_and_by_seconds() -> None:
    chart = optimizer_chart({"momentum": records(0.1, 0.5), "Adam": records(0.5, 0.7)})
    assert {"momentum", "Adam", "step", "seconds of training"} <= words(chart)
    assert len(to_svg(chart)) < 100_000


def test_trainings_begin_at_the_loss_before_their_first_step() -> None:
    start = {"step": 0, "split": "train", "loss": 2.5}
    drawn = str(optimizer_chart({"Adam": [start, *records(0.5, 0.7)]}).to_dict())
    assert "'loss': 2.5" in drawn
    assert "'loss': 2.5" not in str(optimizer_chart({"Adam": records(0.5, 0.7)}).to_dict())


def test_what_was_not_recorded_is_left_out_and_nothing_at_all_is_refused() -> None:
    broken = [
        {"step": 1, "split": "batch", "loss": float("nan")},
        {"step": 2, "split": "validation", "loss": 1.0},
    ]
    said = words(optimizer_chart({"Adam": records(0.5, 0.7), "lost": broken}))
    assert "lost" not in said
    with pytest.raises(ValueError, match="at least one training"):
        optimizer_chart({"lost": broken})


def test_the_running_mean_begins_at_the_first_loss() -> None:
    steady = [{"step": step, "split": "batch", "loss": 2.0, "seconds": step} for step in range(5)]
    values = optimizer_chart({"steady": steady}).to_dict()
    losses = (
        {row["loss"] for rows in values["datasets"].values() for row in rows}
        if "datasets" in values
        else {row["loss"] for row in values["hconcat"][0]["data"]["values"]}
    )
    assert losses == {2.0}
