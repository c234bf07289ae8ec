"""What training promises: it learns, it records, and every setting does what it says."""

import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import convscope
from convscope.config.asked import OptimizerName, ScheduleName
from convscope.errors import UsageError
from convscope.runs.checkpoints import find_checkpoint, list_checkpoints
from convscope.runs.folder import Run

Train = Callable[..., Run]


def records(run: Run, split: str) -> list[dict[str, float]]:
    return [record for record in run.metrics() if record["split"] == split]


def weights(run: Run, which: str = "final") -> dict[str, torch.Tensor]:
    return convscope.load(run.path, which).network.state_dict()


def test_it_learns(train: Train) -> None:
    run = train(steps=30, learning_rate=3e-3)
    losses = [record["loss"] for record in records(run, "validation")]
    assert losses[-1] < losses[0] / 2
    assert run.read("summary.json")["test"]["accuracy"]["correct"] == 9


def test_the_untrained_network_is_measured_first(train: Train) -> None:
    run = train()
    first = run.metrics()[0]
    assert (first["step"], first["split"]) == (0, "train")
    untrained = run.read("summary.json")["untrained"]
    assert untrained["chance_loss"] == pytest.approx(math.log(3))
    evaluated = convscope.evaluate(run.path, split="validation", checkpoint="untrained")
    assert untrained["accuracy"] == pytest.approx(evaluated.accuracy.value)
    assert untrained["loss"] == pytest.approx(evaluated.loss, abs=1e-5)


def test_zero_steps_keep_the_untrained_network(train: Train) -> None:
    run = train(steps=0)
    assert [path.name for path in list_checkpoints(run.checkpoint_folder)] == ["step-00000000"]
    before, after = weights(run, "untrained"), weights(run)
    assert all(before[name].equal(after[name]) for name in before)
    assert run.read("summary.json")["steps"] == 0
    assert run.read("summary.json")["test"]["accuracy"]["n"] == 9


@pytest.mark.parametrize("optimizer", OptimizerName.__args__)
@pytest.mark.parametrize("schedule", ScheduleName.__args__)
def test_every_optimizer_with_every_schedule(train: Train, optimizer: str, schedule: str) -> None:
    run = train(
        network="linear",
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=1e-3,
        weight_decay=1e-2,
        steps=4,
    )
    before, after = weights(run, "untrained"), weights(run)
    for name, tensor in after.items():
        assert torch.isfinite(tensor).all()
        assert not tensor.equal(before[name]), f"{name} never moved"


def test_the_rates_that_were_used_are_written_down(train: Train) -> None:
    run = train(
        network="linear", steps=8, schedule="linear", learning_rate=0.8, optimizer="sgd", record_every=1
    )
    rates = [record["learning_rate"] for record in records(run, "batch")]
    assert rates == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_warm_up_rises_to_the_peak_and_falls(train: Train) -> None:
    for schedule in ("cosine", "one-cycle"):
        run = train(
            network="linear", steps=20, schedule=schedule, learning_rate=0.1, warmup=0.25, record_every=1
        )
        rates = [record["learning_rate"] for record in records(run, "batch")]
        peak = rates.index(max(rates))
        assert 3 <= peak <= 6
        assert rates[: peak + 1] == sorted(rates[: peak + 1])
        assert rates[peak:] == sorted(rates[peak:], reverse=True)
        assert max(rates) == pytest.approx(0.1, rel=0.05)
        assert rates[-1] < 0.01


def test_weight_decay_leaves_biases_and_norm_gains_alone(train: Train) -> None:
    """With nothing else to move them (a rate of nearly nothing on the gradient), only weights shrink."""
    settings = {"network": "small-resnet", "optimizer": "adamw", "schedule": "constant", "steps": 1}
    plain = weights(train(**settings, learning_rate=1e-3, weight_decay=0.0))
    decayed = weights(train(**settings, learning_rate=1e-3, weight_decay=10.0))
    network = convscope.load(train(**settings, learning_rate=1e-3).path).network
    shapes = {name: parameter.ndim for name, parameter in network.named_parameters()}
    shrunk = {name for name in shapes if not plain[name].equal(decayed[name])}
    assert shrunk == {name for name, dimensions in shapes.items() if dimensions > 1}


def test_the_classifier_holds_the_average_of_the_weights(train: Train) -> None:
    run = train(ema=0.9, steps=6, learning_rate=1e-2, schedule="constant")
    checkpoint = run.checkpoint()
    raw = {name.removeprefix("raw."): t for name, t in checkpoint.training.items() if name.startswith("raw.")}
    held = weights(run)
    assert all(held[name].equal(checkpoint.network[name]) for name in held)
    assert any(not held[name].equal(raw[name]) for name in held)
    last = records(run, "validation")[-1]
    evaluated = convscope.evaluate(run.path, split="validation")
    assert last["loss"] == pytest.approx(evaluated.loss, abs=1e-5)  # validation judged the average too


def test_the_average_is_the_one_that_the_formula_gives(train: Train) -> None:
    runs = [train(ema=0.5, steps=steps, schedule="constant", learning_rate=1e-2) for steps in (0, 1, 2)]
    average = weights(runs[0])["conv1.weight"]
    for step, run in enumerate(runs[1:], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * run.checkpoint().training["raw.conv1.weight"]
        assert weights(run)["conv1.weight"].allclose(average, atol=1e-6)


def test_label_smoothing_keeps_the_network_modest(train: Train) -> None:
    settings = {"steps": 40, "learning_rate": 3e-3}
    sure = train(**settings, label_smoothing=0.0).read_arrays("predictions/test.npz")["logits"]
    modest = train(**settings, label_smoothing=0.3).read_arrays("predictions/test.npz")["logits"]
    assert (modest.max(1) - modest.min(1)).mean() < (sure.max(1) - sure.min(1)).mean()


def test_early_stopping(train: Train) -> None:
    """The rate is nearly nothing: the second and third validation cannot be better than the first."""
    run = train(
        network="linear", optimizer="sgd", learning_rate=1e-12, steps=100, validate_every=4, early_stopping=2
    )
    summary = run.read("summary.json")
    assert summary["steps"] == 12
    assert summary["best_step"] == 4
    assert summary["checkpoint"] == "best"
    assert summary["stopped_early"]
    assert "after step 4" in summary["kept"]["why"]
    assert convscope.evaluate(run.path).to_dict()["loss"] == pytest.approx(summary["test"]["loss"], abs=1e-6)


def test_clipping_bounds_the_step(train: Train) -> None:
    settings = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1.0, "weight_decay": 0.0}

    def distance(**more: float) -> float:
        run = train(**settings, **more, network="linear", steps=1)
        before, after = weights(run, "untrained"), weights(run)
        return math.sqrt(sum(float((after[name] - before[name]).square().sum()) for name in before))

    assert distance() > 0.02
    assert distance(clip_gradient=0.01) == pytest.approx(0.01, rel=1e-3)
    assert distance(clip_gradient=1e6) == pytest.approx(distance(), rel=1e-4)


def test_checkpoints_kept_are_the_last_and_the_best(train: Train) -> None:
    run = train(steps=12, checkpoint_every=2, keep_checkpoints=3, validate_every=4, learning_rate=1e-3)
    steps = {int(path.name.removeprefix("step-")) for path in list_checkpoints(run.checkpoint_folder)}
    best = run.read("summary.json")["best_step"]
    assert steps == {8, 10, 12, best}
    scores = {
        record["step"]: (record["accuracy"], -record["loss"])
        for record in records(run, "validation")
        if record["step"]
    }
    assert best == max(scores, key=scores.__getitem__)  # of two as accurate, the one of lower loss
    assert find_checkpoint(run.checkpoint_folder, "last").name == "step-00000012"
    assert find_checkpoint(run.checkpoint_folder, "final").name == "step-00000012"


def test_a_run_is_a_function_of_its_seed(train: Train) -> None:
    settings = {"augmentation": "digits", "dropout": 0.5, "steps": 4}
    first, second, other = train(**settings), train(**settings), train(**settings, seed=1)
    assert all(weights(first)[name].equal(tensor) for name, tensor in weights(second).items())
    assert not weights(first)["conv1.weight"].equal(weights(other)["conv1.weight"])
    assert first.path != second.path
    strip = ("seconds", "images_per_second")
    left, right = (
        [{k: v for k, v in record.items() if k not in strip} for record in run.metrics()]
        for run in (first, second)
    )
    assert left == right


def test_training_leaves_the_random_state_of_its_caller_alone(train: Train) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    train(network="two-conv", dropout=0.5, augmentation="digits")
    assert torch.get_rng_state().equal(before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_measuring_in_between_changes_nothing(train: Train) -> None:
    """Batch normalisation and dropout: with and without validations on the way, the same weights."""
    for settings in ({"network": "small-resnet"}, {"network": "two-conv", "dropout": 0.5}):
        often = train(**settings, steps=4, validate_every=1, record_every=1)
        seldom = train(**settings, steps=4, validate_every=4, record_every=4)
        assert len(records(often, "validation")) == 5
        assert len(records(seldom, "validation")) == 2
        assert all(weights(often)[name].equal(tensor) for name, tensor in weights(seldom).items())


def test_figures_of_training_and_validation_are_measured_alike(train: Train) -> None:
    """The last `train` record is what an evaluation of that split gives, not an average on the way."""
    run = train(network="two-conv", dropout=0.8, steps=6, learning_rate=3e-3)
    every_image = convscope.evaluate(run.path, split="train")
    # 42 training images are fewer than the 100 that a record looks at, so it looked at all of them.
    assert records(run, "train")[-1]["loss"] == pytest.approx(every_image.loss, abs=1e-5)
    assert records(run, "train")[-1]["accuracy"] == pytest.approx(every_image.accuracy.value)


def test_what_was_chosen_is_in_the_run(train: Train) -> None:
    run = train()
    saved = json.loads((run.path / "config.json").read_text())
    assert saved["training"]["steps"] == 5
    for name in ("optimizer", "learning_rate", "batch_size", "weight_decay", "schedule", "label_smoothing"):
        assert saved["training"][name] is not None
    assert saved["preprocessing"] == {
        "size": 12,
        "channels": 1,
        "fit": "crop",
        "centre": "channel",
        "scale": True,
        "mirrored": False,
    }
    assert run.read("environment.json")["threads"] == 1


def test_a_run_made_again_from_its_own_configuration_is_the_same(train: Train, tmp_path: Path) -> None:
    from convscope.training.start import start_training

    run = train(augmentation="digits")
    again = start_training(run.config, runs=tmp_path / "again")
    assert all(weights(run)[name].equal(tensor) for name, tensor in weights(again).items())


def test_every_setting_is_known_or_refused(train: Train, bands: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'learningrate' is not a setting"):
        train(learningrate=1)
    with pytest.raises(UsageError, match=r"training.steps and training.epochs"):
        convscope.train(bands, runs=tmp_path, steps=1, epochs=1)


def test_steps_typed_replace_the_epochs_of_an_experiment(bands: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        f'[data]\nsource = "{bands}"\n[network]\nname = "linear"\n[training]\nepochs = 9\nthreads = 1\n'
    )
    assert convscope.train(path, runs=tmp_path, steps=2).summary["steps"] == 2
    path.write_text(path.read_text().replace("epochs = 9", "steps = 2"))
    run = convscope.train(path, runs=tmp_path, epochs=2, batch_size=21)
    assert run.summary["steps"] == 4


def test_without_validation_and_test_images(train: Train) -> None:
    run = train(validation_fraction=0.0, test_fraction=0.0)
    summary = run.read("summary.json")
    assert "test" not in summary
    assert "validation" not in summary
    assert len(convscope.load(run.path).class_names) == 3


def test_uneven_classes_are_evened_out(pictures: Callable[..., Path], tmp_path: Path, train: Train) -> None:
    folder = pictures(tmp_path / "uneven", classes=2, count=20)
    for number in range(4, 20):
        (folder / "b" / f"{number:02d}.png").unlink()
    settings = {"data": folder, "network": "linear", "steps": 3, "learning_rate": 1e-2}
    results = [
        weights(train(**settings, balance=balance))["logits.weight"]
        for balance in ("none", "loss", "sampling")
    ]
    assert not results[0].equal(results[1])
    assert not results[0].equal(results[2])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_train(train: Train, precision: str) -> None:
    run = train(precision=precision)
    assert all(tensor.dtype == torch.float32 for tensor in weights(run).values())
    assert all(torch.isfinite(tensor).all() for tensor in weights(run).values())
