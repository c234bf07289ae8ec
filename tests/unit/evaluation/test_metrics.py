import json
import math

import numpy as np
import pytest
from sklearn import metrics as reference

from convscope.errors import DataError, DivergedError
from convscope.evaluation.metrics import (
    accuracy,
    cross_entropy,
    evaluate_logits,
    top_k_accuracy,
)

RNG = np.random.default_rng(5)
NAMES = tuple(f"class-{index}" for index in range(6))
LABELS = RNG.integers(0, 6, 400)
LOGITS = (RNG.normal(size=(400, 6)) + 2 * np.eye(6)[LABELS]).astype(np.float32)
IDS = tuple(f"{index}.png" for index in range(400))
PREDICTED = LOGITS.argmax(axis=1)


def test_figures_are_scikit_learns() -> None:
    evaluation = evaluate_logits(LOGITS, LABELS, IDS, NAMES)
    precision, recall, f1, support = reference.precision_recall_fscore_support(LABELS, PREDICTED)
    assert evaluation.accuracy.value == reference.accuracy_score(LABELS, PREDICTED)
    assert [scores.precision for scores in evaluation.per_class] == pytest.approx(precision)
    assert [scores.recall for scores in evaluation.per_class] == pytest.approx(recall)
    assert [scores.f1 for scores in evaluation.per_class] == pytest.approx(f1)
    assert [scores.support for scores in evaluation.per_class] == support.tolist()
    assert evaluation.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(LABELS, PREDICTED))
    assert evaluation.macro_f1 == pytest.approx(reference.f1_score(LABELS, PREDICTED, average="macro"))
    assert evaluation.macro_precision == pytest.approx(precision.mean())
    odds = np.exp(LOGITS.astype(np.float64))
    assert evaluation.loss == pytest.approx(
        reference.log_loss(LABELS, odds / odds.sum(axis=1, keepdims=True))
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_is_scikit_learns(k: int) -> None:
    expected = reference.top_k_accuracy_score(LABELS, LOGITS, k=k, normalize=False, labels=range(6))
    assert top_k_accuracy(LOGITS, LABELS, k).correct == expected


def test_equal_logits_are_no_success_for_every_class() -> None:
    flat = np.zeros((4, 4), dtype=np.float32)
    labels = np.arange(4)
    assert accuracy(flat, labels).correct == 1
    assert top_k_accuracy(flat, labels, 1).correct == 1
    assert top_k_accuracy(flat, labels, 2).correct == 2
    assert cross_entropy(flat, labels) == pytest.approx(math.log(4))


def test_huge_logits_have_a_finite_loss() -> None:
    logits = np.array([[30_000, 0], [30_000, 0]], dtype=np.float32)
    assert cross_entropy(logits, np.array([0, 1])) == pytest.approx(15_000)


def test_divisions_by_zero_are_shown_as_undefined() -> None:
    logits = np.eye(4, dtype=np.float32)[[0, 0, 2]]
    evaluation = evaluate_logits(logits, np.array([0, 1, 0]), ("a", "b", "c"), ("w", "x", "y", "z"))
    never_predicted, without_images, neither = evaluation.per_class[1:]
    assert never_predicted.cells() == ("x", "–", "0.0 (0.0–79.3)", "0.0 (0.0–88.5)", "1")
    assert without_images.cells() == ("y", "0.0 (0.0–79.3)", "–", "0.0 (0.0–88.5)", "0")
    assert neither.cells() == ("z", "–", "–", "–", "0")
    assert evaluation.balanced_accuracy == 0.25
    assert neither.to_dict()["recall"] is None


def test_dictionary_is_strict_json() -> None:
    document = json.loads(json.dumps(evaluate_logits(LOGITS, LABELS, IDS, NAMES).to_dict(), allow_nan=False))
    assert document["accuracy"]["n"] == 400
    assert document["top_5"] is None
    assert np.sum(document["confusion"]) == 400
    assert document["worst"][0]["loss"] >= document["worst"][1]["loss"]


def test_an_empty_split_is_evaluated_to_nothing() -> None:
    evaluation = evaluate_logits(LOGITS[:0], LABELS[:0], (), NAMES)
    document = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert document["loss"] is None
    assert document["accuracy"]["value"] is None
    assert "nan" not in evaluation._repr_html_()


def test_html_escapes_names() -> None:
    html = evaluate_logits(LOGITS[:, :2], LABELS % 2, IDS, ("<script>", "b & c"))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "b &amp; c" in html


def test_many_classes_are_shown_by_the_weakest() -> None:
    labels = np.repeat(np.arange(30), 4)
    logits = np.eye(30, dtype=np.float32)[labels]
    logits[labels == 17] = np.eye(30, dtype=np.float32)[3] + 0.5 * np.eye(30, dtype=np.float32)[17]
    names = tuple(f"[{index}]" for index in range(30))
    evaluation = evaluate_logits(logits, labels, ("x.png",) * 120, names)
    assert [scores.name for scores in evaluation.weakest(2)] == ["[17]", "[3]"]
    assert "[17]" in evaluation._repr_html_()
    assert "[29]" not in evaluation._repr_html_()
    assert evaluation.top_5 is not None
    assert evaluation.top_5.correct == 120


def test_inputs_are_not_changed() -> None:
    before = LOGITS.copy(), LABELS.copy()
    evaluate_logits(LOGITS, LABELS, IDS, NAMES)
    assert np.array_equal(before[0], LOGITS)
    assert np.array_equal(before[1], LABELS)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="400 labels and 5 class names"):
        evaluate_logits(LOGITS, LABELS, IDS, NAMES[:5])
    with pytest.raises(DataError, match="399 ids"):
        evaluate_logits(LOGITS, LABELS, IDS[1:], NAMES)
    with pytest.raises(DataError, match="label -1"):
        evaluate_logits(LOGITS, np.where(LABELS == 3, -1, LABELS), IDS, NAMES)


def test_a_diverged_network_is_named_as_such() -> None:
    broken = LOGITS.copy()
    broken[7, 2] = np.nan
    with pytest.raises(DivergedError, match=r"1 of 400 images, first 7\.png"):
        evaluate_logits(broken, LABELS, IDS, NAMES)
