"""The page of a comparison: verdict, costs, and the images that one run alone gets wrong."""

from pathlib import Path

import numpy as np
import pytest

from convscope.comparison.differences import all_wrong, only_wrong, pair_all
from convscope.comparison.several import compare_all
from convscope.comparison.sides import read_side
from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.evaluation.predictions import Predictions, write_predictions
from convscope.report.charts.pareto import Cost, frontier
from convscope.report.comparing.page import comparison_content, write_page
from convscope.runs.folder import SUMMARY, Run

RESOLVED = {
    "data.task": "classification",
    **{"preprocessing.size": 8, "preprocessing.channels": 1, "preprocessing.fit": "pad"},
    **{"preprocessing.centre": "none", "preprocessing.scale": True, "augmentation.preset": "none"},
    **{"network.name": "linear", "training.steps": 10, "training.batch_size": 8},
    **{"training.optimizer": "adam", "training.learning_rate": 0.01, "training.weight_decay": 0.0},
    **{"training.schedule": "constant", "training.label_smoothing": 0.0, "training.balance": "none"},
}


def make(path: Path, wrong: set[int], seconds: float) -> Path:
    config = override(ExperimentConfig(), RESOLVED | {"training.learning_rate": seconds / 100})
    run = Run.create(path.parent, config, data_name="made", name=path.name)
    run.write(SUMMARY, {"network": "linear", "steps": 10, "parameters": 30, "seconds": {"train": seconds}})
    labels = np.arange(40) % 2
    logits = np.zeros((40, 2), dtype=np.float32)
    given = [1 - label if row in wrong else label for row, label in enumerate(labels)]
    logits[np.arange(40), given] = 2
    ids = tuple(f"<b>{row}</b>.png" for row in range(40))
    hashes = tuple(f"content-{row}" for row in range(40))
    names = ("<i>ant", "bee")
    write_predictions(
        run,
        Predictions(split="test", logits=logits, labels=labels, ids=ids, hashes=hashes, class_names=names),
    )
    kept = sorted(wrong)
    pictures = np.array([np.full((8, 8, 1), row, np.uint8) for row in kept]).reshape(-1, 8, 8, 1)
    run.write_arrays(
        "predictions/images.npz",
        {"split": np.array(["test"] * len(kept)), "index": np.array(kept, np.int64), "images": pictures},
    )
    return run.path


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [
        make(tmp_path / "a", {0, 1}, 2.0),
        make(tmp_path / "b", {1, 2, 3}, 4.0),
        make(tmp_path / "c", {1}, 9.0),
    ]


def test_an_image_is_a_sides_own_error_where_all_others_are_right(three: list[Path]) -> None:
    sides = [read_side(path) for path in three]
    own = [[each.index for each in only_wrong(sides, pair_all(sides), which)] for which in range(3)]
    assert own == [[0], [2, 3], []]
    assert [each.index for each in all_wrong(sides, pair_all(sides))] == [1]


def test_the_page_holds_verdicts_costs_and_the_images(three: list[Path], tmp_path: Path) -> None:
    page = write_page(tmp_path / "new" / "page.html", compare_all(three)).read_text()
    assert "Too close to tell whether a or b is better" in page
    assert page.count("Only a wrong") == page.count("Only b wrong") == 1
    assert page.count('class="thumb compared"') == 4
    assert page.count("All wrong") == 1
    assert "no other beats in both" in page
    assert "learning rate" in page
    assert "<b>0</b>" not in page
    assert "<i>ant" not in page


def test_runs_of_one_name_are_told_apart_by_their_groups(three: list[Path], tmp_path: Path) -> None:
    for group, path in zip(("x", "y"), three, strict=False):
        (tmp_path / group).mkdir()
        path.rename(tmp_path / group / "seed-0")
    paths = [tmp_path / "x" / "seed-0", tmp_path / "y" / "seed-0"]
    content = comparison_content(compare_all(paths))
    assert content.title == "x/seed-0 and y/seed-0"
    assert [own.heading for own in content.errors] == [
        "Only x/seed-0 wrong",
        "Only y/seed-0 wrong",
        "All wrong",
    ]


def test_the_frontier_leaves_out_who_is_beaten_in_both() -> None:
    costs = [
        Cost(name=name, seconds=seconds, accuracy=accuracy, interval=(0.0, 1.0))
        for name, seconds, accuracy in (("slow", 9, 0.99), ("beaten", 5, 0.8), ("quick", 1, 0.9))
    ]
    assert [each.name for each in frontier(costs)] == ["quick", "slow"]
