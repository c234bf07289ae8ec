"""Runs against runs: paired by content and name, refused in words where that cannot be."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.cli.main import run as command
from convscope.comparison.comparing import compare_sides
from convscope.comparison.differences import only_wrong
from convscope.comparison.several import compare_all
from convscope.comparison.sides import read_side
from convscope.comparison.verdicts import about_recipes, needs, sentence, to_dict, word
from convscope.errors import ConvscopeError, DataError, DivergedError, RunError, UsageError

from .conftest import CLASSES, answers, make_run, numbers

ALL = [True] * 300
WORSE = [row % 4 > 0 for row in range(300)]


def compared(*paths: Path):  # type: ignore[no-untyped-def]
    return compare_sides(*(read_side(path) for path in paths))


def test_a_worse_classifier_is_worse_and_says_by_how_much(tmp_path: Path) -> None:
    a, b = make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(WORSE))
    found = compared(a, b)
    assert word(found) == "worse"
    assert word(compared(b, a)) == "better"
    assert found.difference.value == -0.25
    assert found.only_one_right == (75, 0)
    assert found.difference.p_value < 0.001
    assert sentence(found).startswith("a is better than b by 25.0 points (95 % interval 20.")
    assert sentence(compared(b, a)) == sentence(found)


def test_images_that_belong_together_count_as_one(tmp_path: Path) -> None:
    """One classifier gets 7 of 60 things wrong, five photos of each: 35 images, but 7 mishaps."""
    wrong = [row // 5 >= 7 for row in range(300)]
    things = np.repeat(np.arange(60), 5)
    alone = compared(make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(wrong)))
    sides = [replace(answers(right), groups=things) for right in (ALL, wrong)]
    found = compared(make_run(tmp_path / "c", sides[0]), make_run(tmp_path / "d", sides[1]))

    assert found.difference.value == pytest.approx(alone.difference.value) == -35 / 300
    assert found.difference.n == alone.difference.n == 300
    assert alone.difference.p_value < 1e-6 < 0.001 < found.difference.p_value < 0.05
    widths = [each.difference.interval[1] - each.difference.interval[0] for each in (alone, found)]
    assert widths[1] > 1.5 * widths[0]
    assert found.log_loss is not None
    assert alone.log_loss is not None
    assert found.log_loss.value == pytest.approx(alone.log_loss.value)
    assert "these 300 images are 60 series, right or wrong together, and count as such" in found.notes
    assert not any("series" in note for note in alone.notes)


def test_recipes_are_compared_by_groups_of_images(tmp_path: Path) -> None:
    things = np.repeat(np.arange(60), 5)
    rows = np.arange(300)
    for name, share in (("a", 0), ("b", 7)):
        for seed in range(3):
            right = (rows // 5 >= share + seed).tolist()
            make_run(tmp_path / name / f"seed-{seed}", replace(answers(right), groups=things), seed=seed)
    found = compared(tmp_path / "a", tmp_path / "b")
    assert found.question == "recipes"
    assert found.difference.value == pytest.approx(-35 / 300)
    assert found.difference.n == 300
    assert any("60 series" in note for note in found.notes)


def test_a_run_of_a_group_is_called_by_both_names(tmp_path: Path) -> None:
    a = make_run(tmp_path / "plain" / "seed-0", answers(ALL))
    b = make_run(tmp_path / "other" / "seed-0", answers(WORSE))
    assert sentence(compared(a, b)).startswith("plain/seed-0 is better than other/seed-0 by 25.0 points")
    assert read_side(a.parent).name == "plain"


def test_what_separates_two_seeds_is_luck_unless_one_of_them_failed(tmp_path: Path) -> None:
    slightly = [row % 40 > 0 for row in range(300)]
    a = make_run(tmp_path / "a", answers(ALL), seed=0, data__split_seed=0)
    b = make_run(tmp_path / "b", answers(slightly), seed=1, data__split_seed=0)
    found = compared(a, b)
    assert found.difference.p_value < 0.05
    assert word(found) == "too close to tell"
    assert sentence(found).startswith(
        "a and b are one recipe with two seeds: what separates them is the luck"
    )
    assert needs(found) == about_recipes(found) == ""
    failed = make_run(tmp_path / "failed", answers(WORSE), seed=2, data__split_seed=0)
    assert word(compared(a, failed)) == "worse"
    other = make_run(
        tmp_path / "c", answers(slightly), seed=1, data__split_seed=0, training__learning_rate=0.02
    )
    assert word(compared(a, other)) == "worse"


def test_chance_is_called_too_close_to_tell_with_what_it_would_take(tmp_path: Path) -> None:
    one, other = [row % 30 > 0 for row in range(300)], [row % 30 != 1 for row in range(300)]
    a, b = make_run(tmp_path / "a", answers(one)), make_run(tmp_path / "b", answers(other, sure=3.1))
    found = compared(a, b)
    assert word(found) == "too close to tell"
    assert "To see a difference of 1 point between two classifiers you need about" in needs(found)
    assert "at least" in about_recipes(found)


def test_images_are_paired_by_content_and_not_by_place_or_name(tmp_path: Path) -> None:
    judged = answers(WORSE)
    order = np.random.default_rng(0).permutation(300)
    moved = replace(
        judged,
        logits=judged.logits[order],
        labels=judged.labels[order],
        ids=tuple(f"elsewhere/{row}.jpg" for row in range(300)),
        hashes=tuple(judged.hashes[row] for row in order),
    )
    found = compared(make_run(tmp_path / "a", judged), make_run(tmp_path / "b", moved))
    assert found.only_one_right == (0, 0)
    assert found.difference.value == 0
    assert found.difference.interval[0] < 0 < found.difference.interval[1]


def test_classes_are_matched_by_name_and_not_by_number(tmp_path: Path) -> None:
    judged = answers(WORSE)
    order = [2, 0, 1]
    other = replace(
        judged,
        logits=judged.logits[:, order],
        labels=np.argsort(order)[judged.labels],
        class_names=tuple(CLASSES[each] for each in order),
    )
    found = compared(make_run(tmp_path / "a", judged), make_run(tmp_path / "b", other))
    assert found.only_one_right == (0, 0)
    assert found.log_loss is not None
    assert found.log_loss.value == 0


def test_copies_of_an_image_each_have_one_partner(tmp_path: Path) -> None:
    judged = answers(ALL[:4])
    judged = replace(judged, hashes=("x", "x", "y", "x"), labels=np.zeros(4, np.int64))
    paired = compared(make_run(tmp_path / "a", judged), make_run(tmp_path / "b", judged)).paired
    assert paired is not None
    assert paired.rows[1].tolist() == [0, 1, 2, 3]


def test_test_images_that_only_overlap_are_compared_where_they_do(tmp_path: Path) -> None:
    a, b = make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(WORSE, first=100))
    found = compared(a, b)
    assert found.difference.n == 200
    assert "the 200 images that all of them were tested on" in found.notes[0]
    assert "100 of a and 100 of b" in found.notes[0]


def test_labels_corrected_for_one_side_judge_both(tmp_path: Path) -> None:
    judged = answers(WORSE)
    wrong_before = [row for row in range(300) if not WORSE[row]][:2]  # image 0, an ant, is taken for a bee
    labels = judged.labels.copy()
    labels[wrong_before] = judged.logits[wrong_before].argmax(1)
    a = make_run(tmp_path / "a", judged)
    b = make_run(tmp_path / "b", replace(judged, labels=labels))
    log = [
        {
            "path": judged.ids[row],
            "content": judged.hashes[row],
            "split": "test",
            "old": CLASSES[judged.labels[row]],
            "new": CLASSES[labels[row]],
        }
        for row in wrong_before
    ]
    (b / "dataset.json").write_text(json.dumps({"sizes": {"train": 100}, "corrected": log}))
    found = compared(a, b)
    assert found.difference.value == 0
    assert found.values == (227 / 300, 227 / 300)
    assert "corrected labels, which 2 test images had in one of the two alone" in found.notes[0]
    assert compared(b, a).values == found.values


@pytest.mark.parametrize(
    ("first", "second", "error", "said"),
    [
        (answers(ALL), answers(ALL, first=300), DataError, "none is the same, by content"),
        (
            answers(ALL),
            numbers([1.0] * 300, [1.0] * 300),
            DataError,
            "answers with a number and a with a class",
        ),
        (
            answers(ALL),
            answers(ALL, classes=("ant", "bee", "fly")),
            DataError,
            "a alone knows 'wasp'; b alone",
        ),
        (
            answers(ALL),
            replace(answers(ALL), labels=answers(ALL).labels * 0),
            DataError,
            "another truth in b",
        ),
        (answers(ALL), replace(answers(ALL), hashes=()), RunError, "did not keep the hashes"),
        (answers(ALL), answers(ALL, sure=np.inf), DivergedError, "b has answers that are not finite"),
        (answers(ALL[:1]), answers(ALL[:1]), DataError, "share one test image"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(
    tmp_path: Path, first: object, second: object, error: type[ConvscopeError], said: str
) -> None:
    a, b = make_run(tmp_path / "a", first), make_run(tmp_path / "b", second)  # type: ignore[arg-type]
    with pytest.raises(error, match=said):
        compared(a, b)


def test_a_run_with_itself_and_a_run_with_a_group_are_refused(
    tmp_path: Path, group: Callable[..., Path]
) -> None:
    a = make_run(tmp_path / "a", answers(ALL))
    with pytest.raises(UsageError, match="compared with itself"):
        compared(a, tmp_path / "a" / ".." / "a")
    with pytest.raises(UsageError, match=r"a is a single run and g is a group of seeds.*--until-sure"):
        compared(a, group("g", [ALL, WORSE]))
    folds = make_run(tmp_path / "f", [answers(ALL[:150]), answers(ALL[150:], first=150)])
    with pytest.raises(UsageError, match="--folds"):
        compared(a, folds)


def test_a_run_that_is_not_finished_says_how_to_go_on(tmp_path: Path) -> None:
    a, b = make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(ALL))
    (b / "summary.json").unlink()
    with pytest.raises(RunError, match=r"not finished.*\n.*--resume"):
        compared(a, b)


def test_numbers_are_compared_by_how_far_off_they_are(tmp_path: Path) -> None:
    true = np.linspace(0, 10, 100)
    near, far = true + 0.1 * np.cos(np.arange(100)), true + 0.8 * np.sin(np.arange(100))
    found = compared(
        make_run(tmp_path / "near", numbers(near, true)), make_run(tmp_path / "far", numbers(far, true))
    )
    assert found.figure == "mean absolute error"
    assert found.log_loss is None
    assert word(found) == "worse"
    assert sentence(found).startswith("near is better than far by 0.4")
    assert to_dict(found)["verdict"] == "worse"


def test_the_images_that_the_second_alone_gets_wrong_are_named(tmp_path: Path) -> None:
    found = compared(make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(WORSE)))
    assert found.paired is not None
    shown = {each.id: each for each in only_wrong(found.sides, found.paired, 1)}
    assert set(shown) == {f"{row}.png" for row in range(0, 300, 4)}
    assert (shown["0.png"].true, shown["0.png"].answers) == ("ant", ("ant", "bee"))
    assert len(only_wrong(found.sides, found.paired, 1, 3)) == 3


def test_two_large_sets_that_hardly_differ_are_the_same_within_a_point(tmp_path: Path) -> None:
    one = [row % 100 > 0 for row in range(4000)]
    other = [row % 100 != (1 if row < 2000 else 0) for row in range(4000)]
    a, b = make_run(tmp_path / "a", answers(one)), make_run(tmp_path / "b", answers(other))
    assert word(compared(a, b)) == "same"
    assert "the same within ± 1 point" in sentence(compared(a, b))


def test_only_the_settings_that_differ_are_told(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", answers(ALL), seed=3)
    b = make_run(tmp_path / "b", answers(WORSE), seed=4, training__learning_rate=0.1, training__threads=2)
    assert [(each.field, each.values) for each in compared(a, b).settings] == [
        ("seed", (3, 4)),
        ("training.learning_rate", (0.01, 0.1)),
    ]


def test_groups_are_compared_as_recipes(group: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    good = group("good", random.random((5, 300)) < 0.97)
    bad = group("bad", random.random((5, 300)) < 0.80, training__learning_rate=0.5)
    found = compared(good, bad)
    assert found.question == "recipes"
    assert word(found) == "worse"
    assert sentence(found).startswith("good's recipe is better than bad's recipe by 1")
    assert [each.field for each in found.settings] == ["training.learning_rate"]
    assert found.notes == ()


def test_a_group_of_several_settings_is_told(tmp_path: Path, group: Callable[..., Path]) -> None:
    a = group("a", [ALL, WORSE])
    make_run(a / "seed-2", answers(ALL), seed=2, training__steps=20)
    found = compared(a, group("b", [WORSE, ALL]))
    assert found.notes == ("the runs of a differ in more than their seeds: training.steps",)


def test_folds_are_paired_one_by_one(tmp_path: Path) -> None:
    def folds(name: str, share: float, number: int) -> Path:
        right = np.random.default_rng(number).random(300) < share
        return make_run(tmp_path / name, [answers(right[at : at + 60], first=at) for at in range(0, 300, 60)])

    a, b = folds("a", 0.97, 0), folds("b", 0.7, 1)
    found = compared(a, b)
    assert (found.question, found.difference.n, word(found)) == ("recipes", 300, "worse")
    others = make_run(tmp_path / "c", [answers(ALL[:60], first=at) for at in (30, 0, 120, 180, 240)])
    with pytest.raises(DataError, match=r"none is the same|hold other images out"):
        compared(a, others)


def test_three_runs_are_corrected_for_three_comparisons(tmp_path: Path) -> None:
    # Only the first and the second are told apart alone, and barely.
    paths = [
        make_run(tmp_path / "a", answers(ALL)),
        make_run(tmp_path / "b", answers([row > 5 for row in range(300)])),
        make_run(tmp_path / "c", answers([row > 2 for row in range(300)])),
    ]
    alone = compared(*paths[:2])
    assert word(alone) == "worse"
    assert alone.difference.p_value == pytest.approx(0.0156, abs=1e-4)
    found = compare_all(paths)
    assert len(found) == 3
    assert found[0].adjusted == pytest.approx(3 * alone.difference.p_value)
    assert word(found[0].comparison, 0.06) == "too close to tell"
    assert "among so many comparisons" in sentence(found[0].comparison, 0.06)


def test_the_json_of_a_comparison_has_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], group: Callable[..., Path]
) -> None:
    a, b = make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(WORSE))
    assert command(["compare", str(a), str(b), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["question"], document["verdict"]) == ("classifiers", "worse")
    assert document["difference"]["value"] == -0.25
    assert document["difference"]["n"] == 300
    low, high = document["difference"]["interval"]
    assert low < -0.25 < high < 0
    assert document["log_loss"]["value"] > 0
    assert document["log_loss"]["interval"][0] > 0
    assert 0 < document["p_value"] < 0.001
    assert command(["compare", str(group("g", [ALL, WORSE])), str(group("h", [WORSE, ALL])), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["question"] == "recipes"


def test_the_screen_says_the_verdict_and_the_page_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = make_run(tmp_path / "a", answers(ALL)), make_run(tmp_path / "b", answers(WORSE))
    assert command(["compare", str(a), str(b), "--page", str(tmp_path / "page.html")]) == 0
    shown = capsys.readouterr().out
    assert "a is better than b by 25.0 points" in shown
    assert "only a right: 75 images, only b: 0" in shown
    assert "Only b wrong" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--plan"], "--plan needs two runs, or --images and --accuracy"),
        (["--images", "100"], "belong to --plan"),
        (["--plan", "--until-sure"], "two things to do"),
        (["--at-most", "5"], "belongs to --until-sure"),
        (["--plan", "--images", "100", "--accuracy", "100"], "between 0 and 100"),
        (["--split", "train"], "it takes test or validation"),
        ([], "two runs or more"),
    ],
)
def test_what_does_not_go_together_is_refused(
    typed: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["compare", *typed]) == 2
    assert said in capsys.readouterr().err


def test_a_plan_needs_no_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", "--plan", "--images", "4000", "--accuracy", "95", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert 2 <= document["seeds_needed"] < 20
    assert document["images_between_two"] > 1000
