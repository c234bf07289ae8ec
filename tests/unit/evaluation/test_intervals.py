"""Every figure says how sure it is: of a class, of the loss, of confidence, of a fit; at every scale."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope
from convscope.classifier.prediction import describe_outputs
from convscope.classifier.target import Target
from convscope.cli.main import run as command
from convscope.evaluation.calibration import calibrate
from convscope.evaluation.metrics import ClassScores, Evaluation, evaluate_logits
from convscope.evaluation.proportion import MeanOverRuns, Proportion
from convscope.evaluation.regression import evaluate_regression
from convscope.training.outcome import fits


def evaluation(n: int = 60, seed: int = 0) -> Evaluation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    logits = generator.normal(size=(n, 3)).astype(np.float32)
    logits[np.arange(n), labels] += 2
    return evaluate_logits(logits, labels, [str(i) for i in range(n)], ("a", "b", "c"))


def test_the_figures_of_a_class_have_wilsons_intervals() -> None:
    scores = ClassScores(name="a", right=14, predicted=20, support=15)
    assert scores.recall_interval == Proportion(14, 15).interval
    assert scores.precision_interval == Proportion(14, 20).interval
    assert scores.f1 == pytest.approx(2 * 0.7 * (14 / 15) / (0.7 + 14 / 15))
    low, high = scores.f1_interval
    assert 0.6 < low < scores.f1 < high < 0.95
    assert scores.cells() == ("a", "70.0 (48.1–85.5)", "93.3 (70.2–98.8)", "80.0 (62.4–90.6)", "15")
    document = scores.to_dict()
    assert document["recall_interval"] == list(scores.recall_interval)
    assert (document["predicted"], document["support"]) == (20, 15)


def test_the_interval_of_f1_holds_it_95_times_in_100() -> None:
    """30 of 90 images, found four times in five, with false alarms: in the long run F1 is 0.8."""
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        right, alarms = generator.binomial(30, 0.8), generator.binomial(60, 0.1)
        low, high = ClassScores("a", right, right + alarms, 30).f1_interval
        held += low <= 0.8 <= high
    assert held / 400 > 0.93


def test_the_loss_has_an_interval() -> None:
    found = evaluation()
    low, high = found.loss_interval
    assert 0 <= low < found.loss < high
    assert found.to_dict()["loss_interval"] == [low, high]
    assert math.isnan(evaluation(1).loss_interval[0])
    assert evaluation(1).to_dict()["loss_interval"] == [None, None]


def test_confidence_is_judged_with_what_chance_does_beside_it() -> None:
    """Of 50 images an error of 14 % may be chance, and is no proof either; of 5,000 it is more."""
    generator = np.random.default_rng(0)

    def made(n: int, over: float) -> object:
        confidence = generator.uniform(0.55, 0.95, n)
        right = generator.uniform(size=n) < confidence - over
        logits = np.stack([np.log(confidence), np.log(1 - confidence)], axis=1).astype(np.float32)
        return calibrate(logits, np.where(right, 0, 1).astype(np.int64))

    few, many, wrong = made(50, 0), made(5000, 0), made(5000, 0.15)
    assert few.error_limit > 0.1
    assert few.error < few.error_limit
    assert many.error < many.error_limit < 0.03
    assert wrong.error > wrong.error_limit
    low, high = few.overconfidence_interval
    assert low < few.overconfidence < high
    assert high - low > 0.2
    assert many.overconfidence_interval[0] < 0 < many.overconfidence_interval[1]
    assert wrong.overconfidence_interval[0] > 0.1
    document = json.loads(
        json.dumps(calibrate(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)).to_dict())
    )
    assert document["overconfidence_interval"] == [None, None]


def test_perfectly_calibrated_classifiers_stay_below_the_limit_95_times_in_100() -> None:
    generator = np.random.default_rng(3)
    below = 0
    for _ in range(100):
        confidence = generator.uniform(0.5, 1, 200)
        right = generator.uniform(size=200) < confidence
        logits = np.stack([np.log(confidence), np.log1p(-confidence)], axis=1).astype(np.float32)
        found = calibrate(logits, np.where(right, 0, 1).astype(np.int64))
        below += found.error <= found.error_limit
    assert 88 <= below <= 100


@pytest.mark.parametrize(
    ("std", "value", "said"),
    [
        (15.0, 43.217, "43.2"),
        (0.5, 3.14159, "3.142"),
        (2e-4, 0.0123456, "0.012346"),
        (3e-8, 1.23456e-7, "1.235e-07"),
        (3e-8, -1.23456e-6, "-1.2346e-06"),
        (30_000.0, 1_234_567.8, "1234568"),
        (0.0, 0.25, "0.25"),
    ],
)
def test_a_predicted_number_is_said_to_the_digits_that_its_scale_has(
    std: float, value: float, said: str
) -> None:
    import torch

    target = Target(task="regression", std=std, low=-1, high=2e6)
    [prediction] = describe_outputs(target, torch.tensor([[value]], dtype=torch.float64), ["x"])
    assert prediction.class_name == said
    assert float(said) == pytest.approx(value, abs=max(std, 1e-9) / 50)


def test_the_mean_over_folds_of_a_small_figure_is_not_zero() -> None:
    text = str(MeanOverRuns.of_folds((1.2e-6, 1.4e-6, 1.1e-6), 3))
    assert text.startswith("0.00000123 (3 runs, standard deviation 0.00000015)")
    tiny = str(MeanOverRuns.of_folds((1.2e-16, 1.4e-16, 1.1e-16), 3))
    assert tiny.startswith("1.23e−16 (3 runs, standard deviation 1.53e−17)")


def test_runs_all_alike_do_not_make_the_mean_certain() -> None:
    """Three folds without an error would have had an interval of 100.0–100.0."""
    folds = MeanOverRuns.of_folds((1.0, 1.0, 1.0), 3, is_share=True)
    assert str(folds) == "100.0 % (3 runs, all alike: no interval)"
    assert folds.to_dict()["interval"] == [None, None]
    ids = [str(n) for n in range(6)]
    off = evaluate_regression(np.full(6, 2, np.float32), np.full(6, 1, np.float32), ids)
    assert str(off.mean_absolute_error) == "1 (6 images: no interval)"
    assert "nan" not in json.dumps(off.to_dict(), allow_nan=False)
    assert math.isnan(
        evaluate_logits(np.zeros((4, 2), np.float32), np.zeros(4, np.int64), ids[:4], "ab").loss_interval[0]
    )


def fill(folder: Path, counts: dict[str, int], shape: tuple[int, int] = (12, 12)) -> Path:
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng([place, number]).integers(0, 90, shape, np.uint8)
            noise[3 * place : 3 * place + 2] += 150
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


SHORT = ["--network", "linear", "--steps", "3", "--size", "12", "--threads", "1"]


def test_a_training_without_a_test_image_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "photos", {"a": 10, "b": 10})
    where = ["--runs", str(tmp_path / "runs")]
    assert command(["train", str(folder), *SHORT, *where, "--test-fraction", "0"]) == 0
    said = capsys.readouterr().out
    assert "no image was left for the test" in said
    assert "--folds 5" in said
    assert command(["train", str(folder), *SHORT, *where, "--test-fraction", "0", "--json"]) == 0
    assert "no image was left" in json.loads(capsys.readouterr().out)["notes"][0]
    assert command(["train", str(folder), *SHORT, *where]) == 0
    assert "no image was left" not in capsys.readouterr().out


def test_a_cross_validated_training_shows_what_was_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fill(tmp_path / "photos", {"a": 10, "b": 10})
    where = ["--runs", str(tmp_path / "runs"), "--name", "one"]
    assert command(["train", str(folder), *SHORT, *where, "--folds", "2"]) == 0
    said = capsys.readouterr().out
    assert "held out" in said
    assert "/ 20)" in said
    assert "--folds 5" not in said
    assert "no image was left" not in said


def test_each_way_of_fitting_has_an_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = fill(tmp_path / "wide", {"a": 20, "b": 20}, shape=(12, 18))
    assert command(["train", str(folder), *SHORT, "--runs", str(tmp_path / "runs")]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fits")]
    assert line.count("–") >= 3, line
    assert "95 % intervals" in line


def test_ways_of_fitting_are_compared_on_so_many_images_at_the_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "MOST_COMPARED", 4)
    folder = fill(tmp_path / "wide", {"a": 20, "b": 20}, shape=(12, 18))
    arguments = [*SHORT, "--runs", str(tmp_path / "runs"), "--validation-fraction", "0.2"]
    assert command(["train", str(folder), *arguments]) == 0
    assert "on 4 validation images" in capsys.readouterr().out


def test_a_regression_tested_on_one_image_is_summed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fill(tmp_path / "photos", {"a": 10})
    rows = [
        f"photos/a/{n}.png,{n * 1e-7:.3e},{'train' if n < 8 else 'validation' if n < 9 else 'test'}"
        for n in range(10)
    ]
    (tmp_path / "sizes.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    assert folder.exists()
    table = str(tmp_path / "sizes.csv")
    assert command(["train", table, *SHORT, "--task", "regression", "--runs", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "none from one image" in said
    assert "mean absolute error 0.00 " not in said
    assert isinstance(
        convscope.evaluate(next((tmp_path / "runs").iterdir())).mean_absolute_error.value, float
    )
