"""Groups of seeds: one recipe, one split; more seeds until it is sure."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.unit.comparison.conftest import answers, make_run

from convscope.cli.main import run as command
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.errors import RunError, UsageError
from convscope.evaluation.predictions import read_predictions
from convscope.runs.folder import Run
from convscope.training.progress import Silent
from convscope.trials.seeds import Group, train_group
from convscope.trials.until_sure import until_sure

SETTINGS = {
    **{"network.name": "linear", "training.steps": 8, "training.batch_size": 16, "training.threads": 1},
    **{"training.learning_rate": 0.01, "data.test_fraction": 0.4, "data.validation_fraction": 0.1},
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "bands"
    for place, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True)
        for number in range(40):
            noise = np.random.default_rng([place, number]).integers(0, 120, (10, 10), np.uint8)
            noise[4 * place : 4 * place + 2] += 60
            Image.fromarray(noise).save(folder / name / f"{number:02d}.png")
    return folder


def trained(photos: Path, runs: Path, name: str, seeds: int = 2, **changes: Any) -> Group:
    fields = {field.replace("__", "."): value for field, value in changes.items()}
    config = override(ExperimentConfig(), SETTINGS | {"data.source": str(photos)} | fields)
    return train_group(config, seeds=seeds, runs=runs, name=name, progress=Silent)


@pytest.fixture(scope="module")
def pair(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    trained(photos, runs, "good", training__steps=40)
    trained(photos, runs, "untrained", training__steps=0)
    return runs


def test_seeds_share_their_test_images_and_differ_in_what_they_learned(pair: Path) -> None:
    one, other = (read_predictions(run, "test") for run in Group(pair / "good").runs)
    assert sorted(one.hashes) == sorted(other.hashes)
    assert not np.array_equal(one.logits, other.logits)


def test_all_seeds_are_the_first_ones_recipe(pair: Path) -> None:
    configs = [run.config for run in Group(pair / "good").runs]
    assert [config.seed for config in configs] == [0, 1]
    assert override(configs[1], {"seed": 0}) == override(configs[0], {})


def test_more_seeds_are_added_and_what_is_there_is_used(photos: Path, pair: Path, tmp_path: Path) -> None:
    shutil.copytree(pair / "good", tmp_path / "good")
    before = (tmp_path / "good" / "seed-0" / "summary.json").stat().st_mtime_ns
    group = trained(photos, tmp_path, "good", seeds=3, training__steps=40)
    assert [run.name for run in group.runs] == ["seed-0", "seed-1", "seed-2"]
    assert (tmp_path / "good" / "seed-0" / "summary.json").stat().st_mtime_ns == before
    with pytest.raises(RunError, match="another training"):
        trained(photos, tmp_path, "good", training__steps=41)


def test_a_run_is_no_group_and_one_seed_is_none(photos: Path, pair: Path) -> None:
    with pytest.raises(UsageError, match="single run"):
        trained(photos, pair / "good", "seed-0")
    with pytest.raises(UsageError, match="--seeds: 1 make no group"):
        trained(photos, pair, "alone", seeds=1)


def test_a_group_is_one_line_with_its_mean(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["runs", str(pair)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "good (2 seeds)" in lines[1]
    assert "100 %" in lines[1]


def test_it_stops_as_soon_as_it_is_sure(pair: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(pair, runs)
    looks = list(until_sure(runs / "untrained", runs / "good", at_most=5, progress=Silent))
    assert [each.word for each in looks[:-1]] == ["too close to tell"] * (len(looks) - 1)
    assert looks[-1].is_last
    assert looks[-1].word == "better"
    assert looks[0].p_value is None
    assert looks[-1].p_value is not None
    assert looks[-1].p_value < 0.05
    assert len(Group(runs / "good").runs) == len(Group(runs / "untrained").runs) == looks[-1].seeds < 5


@pytest.mark.parametrize("is_in_series", [False, True])
def test_images_of_one_series_are_one_piece_of_evidence(tmp_path: Path, is_in_series: bool) -> None:
    """Of 30 series of 10 images one recipe has 12 wrong, whole, and the other 6: it looks sure by images."""
    series = np.repeat(np.arange(30), 10)
    for name, wrong in (("a", series < 12), ("b", series >= 24)):
        for seed in range(4):
            right = ~wrong
            right[120 + seed] ^= True
            judged = replace(answers(right.tolist()), groups=series if is_in_series else None)
            make_run(tmp_path / name / f"seed-{seed}", judged, seed=seed, data__split_seed=0)
    looks = list(until_sure(tmp_path / "a", tmp_path / "b", at_most=4, progress=Silent))
    assert looks[-1].word == ("too close to tell" if is_in_series else "better")
    p_value = looks[-1].p_value
    assert p_value is not None
    assert (p_value < 0.05) != is_in_series


def test_single_runs_become_groups_beside_them(pair: Path, tmp_path: Path) -> None:
    for name, place in (("a", pair / "good" / "seed-0"), ("b", pair / "good" / "seed-1")):
        shutil.copytree(place, tmp_path / name)
    looks = list(until_sure(tmp_path / "a", tmp_path / "b", at_most=4, progress=Silent, margin=0.0001))
    assert looks[-1].seeds == 4
    assert looks[-1].is_last
    assert Run.open(tmp_path / "a").summary() is not None
    assert [run.config.seed for run in Group(tmp_path / "a-seeds").runs] == [0, 1, 2, 3]
    assert [run.config.seed for run in Group(tmp_path / "b-seeds").runs] == [1, 2, 3, 4]


def test_what_has_no_accuracy_by_seeds_is_refused_before_it_is_trained(photos: Path, tmp_path: Path) -> None:
    folds = trained(photos, tmp_path, "folds", data__folds=2, training__steps=1)
    with pytest.raises(UsageError, match="takes no folds"):
        next(until_sure(folds.path, folds.path, at_most=5, progress=Silent))


def test_a_group_of_other_images_is_not_added_to(pair: Path, photos: Path, tmp_path: Path) -> None:
    """Seeds of two sources were one recipe, with one mean."""
    runs = shutil.copytree(pair, tmp_path / "runs")
    same = shutil.copytree(photos, tmp_path / "elsewhere")
    assert len(trained(same, runs, "good", training__steps=40).runs) == 2  # the same images, moved
    (same / "ant" / "00.png").unlink()
    with pytest.raises(RunError, match=r"seed-0 learned from other images than .*elsewhere has now"):
        trained(same, runs, "good", seeds=3, training__steps=40)
    assert len(Group(runs / "good").runs) == 2
