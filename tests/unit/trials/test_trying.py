"""Following an advice: which settings a finding changes, and what came of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import convscope as cs
from convscope.config.experiment_file import override
from convscope.config.resolved import resolve
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import DivergedError, UsageError
from convscope.runs.folder import Run
from convscope.training.progress import Silent
from convscope.trials.guarding import Guarded
from convscope.trials.trying import NETWORK, advised, base_for, changes_for, try_advice


def finding(name: str) -> Finding:
    return Finding(name=name, severity="note", sentence="it is so")


def config_of(run: Path, **changes: Any) -> Any:
    values = {field.replace("__", "."): value for field, value in changes.items()}
    return resolve(override(Run.open(run).config, values))


def test_each_finding_changes_what_its_advice_says(bars_run: Path) -> None:
    plain = config_of(bars_run)
    assert changes_for(finding("rate-too-high"), plain) == {"training.learning_rate": None}
    assert changes_for(finding("still-improving"), plain) == {"training.steps": 24}
    assert changes_for(finding("dead-layer"), plain) == {"training.learning_rate": 0.0003}
    assert changes_for(finding("leak"), plain) == {}
    deep = config_of(bars_run, network__name="vgg12")
    assert changes_for(finding("signal-vanishes"), deep) == {"network.batch_norm": True}
    bad = config_of(
        bars_run, network__initialiser="normal", network__initial_std=1.0, network__initial_scale=0.01
    )
    assert changes_for(finding("signal-vanishes"), bad) == {
        "network.initialiser": "he",
        "network.initial_std": None,
        "network.initial_scale": 1.0,
    }


def test_no_start_is_tried_that_the_network_refuses(bars_run: Path) -> None:
    for name in ("two-conv", "timm:resnet18", "pretrained"):
        config = config_of(bars_run, network__name=name)
        assert changes_for(finding("gradient-lost"), config) == {}
        assert bool(changes_for(finding("start-sure"), config)) == (name == "two-conv")


def test_bias_and_variance_of_colour_photos_are_tried_with_a_network_that_knows_some(bars_run: Path) -> None:
    grey = config_of(bars_run)
    photos = config_of(bars_run, preprocessing__channels=3, preprocessing__size=64)
    for name in ("bias", "variance"):
        assert changes_for(finding(name), photos) == {NETWORK: "pretrained"}
    assert changes_for(finding("bias"), grey) == {"training.steps": 24}
    knows = config_of(bars_run, preprocessing__channels=3, preprocessing__size=64, network__name="pretrained")
    assert changes_for(finding("bias"), knows) == {"training.steps": 24}


def test_another_network_is_tried_on_the_runs_split_with_what_suits_it(bars_run: Path) -> None:
    run = Run.open(bars_run)
    base = base_for(run, {NETWORK: "pretrained"})
    assert (base.data.source, base.seed) == (run.data.source, run.config.seed)
    assert base.data.split_seed == run.config.split_seed
    assert base.training.steps is None
    assert base.training.learning_rate is None
    assert base.preprocessing.size is None
    assert base_for(run, {"training.steps": 24}).training.steps == run.config.training.steps


def test_the_first_advice_that_can_be_followed_is_taken(bars_run: Path) -> None:
    found = Diagnosis(findings=(finding("leak"), finding("still-improving")), passed=(), skipped=())
    assert advised(found, config_of(bars_run))[0].name == "still-improving"
    with pytest.raises(UsageError, match=r"no setting mends what was found \(leak\)"):
        advised(Diagnosis(findings=(finding("leak"),), passed=(), skipped=()), config_of(bars_run))
    with pytest.raises(UsageError, match="nothing was found"):
        advised(Diagnosis(findings=(), passed=(), skipped=()), config_of(bars_run))


def test_an_advice_is_trained_beside_the_run_as_it_is_and_compared(bars_run: Path, tmp_path: Path) -> None:
    shutil.copytree(bars_run, tmp_path / "bars")
    run = Run.open(tmp_path / "bars")
    changes = {"training.steps": 24}
    came = try_advice(run, finding("still-improving"), changes, seeds=2, progress=Silent)
    assert came.comparison is not None
    assert [len(side.members) for side in came.comparison.sides] == [2, 2]
    assert came.comparison.sides[1].first.config.training.steps == 24
    assert "with steps 24" in came.sentence
    assert "95 % interval" in came.sentence
    assert {path.name for path in tmp_path.iterdir()} == {"bars", "bars-seeds", "bars-try-steps-24"}
    assert came.to_dict()["comparison"]["seeds"] == [2, 2]
    with pytest.raises(UsageError, match="two or more"):
        try_advice(run, finding("still-improving"), changes, seeds=1, progress=Silent)


def test_the_guard_stops_a_start_that_explodes_and_lets_a_sound_one_pass(bars: Path, tmp_path: Path) -> None:
    from convscope.config.asked import ExperimentConfig
    from convscope.training.start import start_training

    base = {
        **{"data.source": str(bars), "network.name": "conv4", "training.steps": 2, "training.threads": 1},
        **{"training.learning_rate": 0.001, "training.batch_size": 8},
    }
    bad = {"network.initialiser": "normal", "network.initial_std": 3.0}
    with pytest.raises(
        DivergedError, match=r"before the first step: the values explode(.|\n)*--initialiser he"
    ):
        start_training(
            override(ExperimentConfig(), base | bad), runs=tmp_path, name="bad", progress=Guarded(Silent())
        )
    assert Run.open(tmp_path / "bad").metrics() == []
    run = start_training(
        override(ExperimentConfig(), base), runs=tmp_path, name="good", progress=Guarded(Silent())
    )
    assert run.summary() is not None


def test_a_training_ends_with_what_the_quick_rules_say(bars_run: Path) -> None:
    from convscope.diagnosis.brief import brief_findings

    found, rules = brief_findings(bars_run)
    assert rules >= 5
    assert all(each.severity in ("note", "warning", "error") for each in found)
    assert cs.diagnose(bars_run).diagnosis.skipped
