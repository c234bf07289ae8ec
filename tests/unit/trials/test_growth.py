"""Forecasts of more images: through curves that are known, by features that are known, and by trainings."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import convscope as cs
from convscope.diagnosis.rule import AbsentError
from convscope.runs.folder import Run
from convscope.training.progress import Silent
from convscope.trials.growth.by_head import curve_by_head
from convscope.trials.growth.curve import Curve, stratified_order, subset_sizes
from convscope.trials.growth.law import fit_law
from convscope.trials.growth.of_run import curve_by_training, forecast_by_head, forecast_by_training


def curve(errors: list[float], count: int, sizes: list[int] | None = None, seed: int = 0) -> Curve:
    """Images held out, each of its own difficulty, which fall into place as errors sink."""
    difficulty = np.random.default_rng(seed).permutation(count) / count
    return Curve(
        sizes=np.array(sizes or [25, 50, 100, 200, 400][-len(errors) :]),
        wrong=np.array([(difficulty < error).astype(float) for error in errors]),
        clusters=np.arange(count),
        by_chance=0.9,
        by="the exact head on subsets",
    )


def test_a_law_that_is_known_is_forecast_with_an_interval_that_holds_it() -> None:
    sizes = [25, 50, 100, 200, 400]
    errors = [0.02 + 0.1 * (size / 400) ** -0.5 for size in sizes]
    found = fit_law(curve(errors, 4000, sizes)).forecast(2.0)
    gain = 0.1 * (1 - 2**-0.5)
    low, high = found.interval
    assert low < gain < high
    assert found.says
    assert found.sentence.startswith("twice the images: +")
    assert found.accuracy_interval[0] < 1 - (errors[-1] - gain) < found.accuracy_interval[1]
    four = fit_law(curve(errors, 4000, sizes)).forecast(4.0)
    assert four.gain > found.gain
    assert four.interval[1] - four.interval[0] > high - low


def test_a_flat_curve_promises_little_and_a_steep_one_much() -> None:
    flat = fit_law(curve([0.1] * 5, 2000)).forecast()
    steep = fit_law(curve([0.8, 0.57, 0.4, 0.28, 0.2], 2000)).forecast()
    assert flat.gain < 0.02
    assert 0.03 < steep.gain < 0.08
    assert flat.interval[0] >= 0


def test_few_images_held_out_leave_more_open() -> None:
    errors = [0.4, 0.32, 0.25, 0.2]
    wide = fit_law(curve(errors, 60)).forecast()
    narrow = fit_law(curve(errors, 3000)).forecast()
    width = {
        found.held_out: found.accuracy_interval[1] - found.accuracy_interval[0] for found in (wide, narrow)
    }
    assert width[60] > 1.5 * width[3000]


def test_what_cannot_be_said_is_not_said() -> None:
    with pytest.raises(AbsentError, match="too few"):
        fit_law(curve([0.2, 0.1], 500))
    with pytest.raises(AbsentError, match="too little is learned"):
        fit_law(curve([0.9, 0.88, 0.85, 0.86], 500))
    with pytest.raises(ValueError, match="more images"):
        fit_law(curve([0.4, 0.3, 0.2], 500)).forecast(1.0)
    finding = fit_law(curve([0.4, 0.3, 0.2], 500)).forecast().finding
    assert (finding.name, finding.kind, finding.severity) == ("more-images", "growth", "note")


def test_no_error_at_all_is_not_taken_for_certain() -> None:
    found = fit_law(curve([0.02, 0.0, 0.0, 0.0], 60)).forecast()
    assert found.accuracy_interval[0] < 0.99
    assert all(map(math.isfinite, (*found.interval, found.gain)))


def test_subsets_are_nested_stratified_and_tear_nothing_apart() -> None:
    labels = [0] * 60 + [1] * 30
    clusters = [number // 3 for number in range(90)]
    order = stratified_order(labels, clusters, seed=1)
    assert sorted(order) == list(range(90))
    first = [labels[row] for row in order[:30]]
    assert 17 <= first.count(0) <= 23
    assert len({clusters[row] for row in order[:30]}) == 10
    assert subset_sizes(400, 10) == [50, 71, 100, 141, 200, 283, 400]
    assert subset_sizes(20, 10) == []


def test_the_heads_curve_falls_and_every_image_is_judged_once() -> None:
    random = np.random.default_rng(0)
    labels = torch.arange(240) % 3
    features = torch.from_numpy(random.normal(size=(240, 40)).astype(np.float32))
    features[:, :3] += 1.5 * torch.eye(3)[labels]
    folds = [([row for row in range(240) if row % 4 != part], list(range(part, 240, 4))) for part in range(4)]
    found = curve_by_head(features, labels, range(240), folds)
    assert found.sizes[-1] == 180
    assert found.wrong.shape == (len(found.sizes), 240)
    assert found.errors[-1] < found.errors[0]
    assert found.by_chance == pytest.approx(2 / 3)


def test_a_network_without_features_is_forecast_by_trainings_which_are_kept(
    bars: Path, tmp_path: Path
) -> None:
    settings = {"steps": 12, "batch_size": 16, "learning_rate": 0.003, "threads": 1}
    fractions = {"validation_fraction": 0.0, "test_fraction": 0.2}
    run = Run.open(
        cs.train(bars, runs=tmp_path, name="bars", network="two-conv", **settings, **fractions).path
    )
    with pytest.raises(AbsentError, match="--learning-curve"):
        forecast_by_head(run, None)  # type: ignore[arg-type]
    found = curve_by_training(run, Silent())
    assert found.sizes.tolist() == [16, 32]
    made = sorted(path.name for path in (tmp_path / "bars-curve").iterdir())
    assert made == ["images-16-1", "images-16-2"]
    with pytest.raises(AbsentError, match="too few"):
        forecast_by_training(run, Silent())
