"""A head fitted again on corrected labels: what changed is what the corrections changed, and it is said."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

import convscope as cs
from convscope.comparison.estimate import of_means, of_shares
from convscope.data.corrections import Correction, write_corrections
from convscope.diagnosis.rules.labels import likeliest_wrong
from convscope.errors import UsageError
from convscope.evaluation.predictions import read_predictions
from convscope.runs.again import OUT_OF_SAMPLE, REFIT, train_again
from convscope.runs.folder import Run
from convscope.trials.out_of_sample import judge_all
from convscope.trials.refit import refit

SETTINGS = {"network": "pretrained", "size": 64, "threads": 1}


@pytest.fixture(scope="module")
def turned(bars, tmp_path_factory):
    """A table that calls three of four lying bars standing."""
    table = tmp_path_factory.mktemp("turned") / "turned.csv"
    wrong = [f"lying/{number:02d}.png" for number in range(20) if number % 4]
    table.write_bytes(write_corrections(Correction(path=path, old="lying", new="standing") for path in wrong))
    return table


@pytest.fixture(scope="module")
def spoiled(bars, turned, tmp_path_factory):
    """A run whose head was fitted on the turned labels."""
    runs = tmp_path_factory.mktemp("spoiled")
    return cs.train(bars, runs=runs, name="spoiled", frozen=True, corrections=str(turned), **SETTINGS).path


@pytest.fixture
def righted(spoiled, tmp_path):
    """A table that leaves but one of the corrections."""
    table = tmp_path / "righted.csv"
    lines = (spoiled / "corrections.csv").read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    return table


def test_what_flipped_is_judged_by_the_corrected_labels(spoiled, righted):
    found = refit(spoiled, righted)
    made = Run.open(found.run)
    assert made.name == "spoiled-corrected-1"
    assert made.read(REFIT) == json.loads(json.dumps(found.to_dict()))
    assert found.parent == "spoiled"
    assert made.read("choices.json")[0]["what"] == "parent"
    answers = {split: read_predictions(made, split) for split in ("validation", "test")}
    n = sum(len(each) for each in answers.values())
    assert (found.before.n, found.after.n) == (n, n)
    assert found.after.correct == sum(each.accuracy.correct for each in answers.values())
    counts = {kind: sum(flip.kind == kind for flip in found.flips) for kind in ("right now", "wrong now")}
    assert found.after.correct - found.before.correct == counts["right now"] - counts["wrong now"]
    assert found.after.correct > found.before.correct
    assert all(flip.before != flip.after for flip in found.flips)
    low, high = found.difference.interval
    assert low <= found.difference.value <= high
    held_out = {name for each in answers.values() for name in each.ids}
    assert {flip.path for flip in found.flips} <= held_out


def test_images_of_one_series_count_together_and_the_test_is_named(bars, tmp_path):
    """Four images of each bar: right or wrong together, so that series are what is counted."""
    for path in sorted(bars.glob("*/*.png")):
        with Image.open(path) as image:
            pixels = np.asarray(image)
        (tmp_path / "bars" / path.parent.name).mkdir(parents=True, exist_ok=True)
        for number in range(4):
            name = f"{path.parent.name}/{path.stem}-{number}.png"
            Image.fromarray(pixels + np.uint8(number)).save(tmp_path / "bars" / name)
    lying = [f"lying/{bar:02d}-{number}.png" for bar in range(20) for number in range(4)]
    table, fewer = tmp_path / "turned.csv", tmp_path / "fewer.csv"
    turned = [Correction(path=path, old="lying", new="standing") for path in lying]
    table.write_bytes(write_corrections(each for each in turned if not each.path.startswith("lying/00")))
    fewer.write_bytes(write_corrections(turned[:4]))
    settings = {"group_by": r"\w+/\d\d", "frozen": True, "corrections": str(table), **SETTINGS}
    run = cs.train(tmp_path / "bars", runs=tmp_path, name="spoiled", **settings).path
    found = refit(run, fewer)
    series = found.after.n // 4
    assert found.after.n == 4 * series
    assert f"Student's paired test over {series} series, p = " in found.said
    alone = of_shares(*(np.arange(found.after.n) < each.correct for each in (found.before, found.after)))
    assert found.difference.value == pytest.approx(alone.value)
    assert alone.p_value < found.difference.p_value < 1


def test_the_new_run_is_a_run_like_others(spoiled, righted):
    found = refit(spoiled, righted, name="again")
    judged = cs.evaluate(found.run)
    assert judged.accuracy.n == len(read_predictions(Run.open(found.run), "test"))
    assert judged.accuracy.correct == Run.open(found.run).summary()["test"]["accuracy"]["correct"]
    with pytest.raises(UsageError, match="exists already"):
        refit(spoiled, righted, name="again")


def test_corrections_that_change_nothing_for_the_head_flip_nothing(spoiled):
    found = refit(spoiled, spoiled / "corrections.csv")
    assert found.flips == ()
    assert "no answer" in found.said
    assert found.difference.value == 0


def test_a_cross_validated_head_is_cross_validated_again(bars, turned, tmp_path):
    run = cs.train(bars, runs=tmp_path, name="folds", frozen=True, folds=3, **SETTINGS).path
    found = refit(run, turned)
    assert (found.before.n, found.after.n) == (40, 40)
    assert Run.open(found.run).summary()["folds"]["folds"] == 3


def test_a_fine_tuned_run_is_compared_by_its_head(bars, turned, tmp_path):
    run = cs.train(bars, runs=tmp_path, name="tuned", steps=1, batch_size=8, **SETTINGS).path
    found = refit(run, turned)
    assert found.was_tuned == (Run.open(run).summary()["checkpoint"] != "head")
    assert Run.open(found.run).summary()["steps"] == 0


def test_what_was_trained_from_scratch_says_how_to_train_again(bars_run, turned):
    with pytest.raises(UsageError, match=r"trained from scratch.*convscope train .*--corrections"):
        refit(bars_run, turned)


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        (["train", "photos", "--name", "a", "--epochs", "2"], "photos --epochs 2"),
        (["train", "photos", "--name=a", "--json", "--frozen"], "photos --frozen"),
        (["train", "--corrections", "old.csv", "my photos"], "'my photos'"),
        (["-c"], "{bars} --network two-conv --seed 0"),
    ],
)
def test_the_command_is_the_one_that_was_typed(bars, bars_run, tmp_path, typed, again):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "environment.json"):
        (copy / name).write_bytes((bars_run / name).read_bytes())
    values = json.loads((copy / "environment.json").read_text(encoding="utf-8"))
    values["command"] = ["/usr/bin/convscope", *typed]
    (copy / "environment.json").write_text(json.dumps(values), encoding="utf-8")
    said = train_again(Run.open(copy), Path("new.csv"))
    assert said == f"convscope train {again.format(bars=bars)} --corrections new.csv"


def test_every_image_is_judged_by_a_head_that_never_saw_it(spoiled):
    run = Run.open(spoiled)
    judged = judge_all(run)
    assert len(judged) == 40
    assert sorted(judged.hashes) == sorted(read_predictions(run, OUT_OF_SAMPLE).hashes)
    # Five of twenty lying bars keep their name: heads fitted on the others call them standing, so they are
    # the suspects; a head that had seen them would know their names by heart.
    names = judged.class_names
    lying = [row for row, label in enumerate(judged.labels) if names[label] == "lying"]
    assert len(lying) == 5
    probabilities = softmax(judged.logits, axis=1)
    assert set(likeliest_wrong(probabilities, judged.labels)[:5].tolist()) == set(lying)


def test_from_scratch_only_folds_judge_every_image(bars_run):
    with pytest.raises(UsageError, match="--folds 5"):
        judge_all(Run.open(bars_run))


def test_where_all_series_gain_alike_no_interval_is_made_up(spoiled, righted):
    found = refit(spoiled, righted, name="alike")
    unknown = of_means(np.zeros(3), np.full(3, 0.5), n=12, is_share=True)
    said = dataclasses.replace(found, difference=unknown).said
    assert "+50.0 points, the same in all that is counted" in said
    assert "nan" not in said
