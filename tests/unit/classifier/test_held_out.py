"""What images held out teach: which images are unknown, which classes possible, which answers given."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convscope.classifier.held_out.answering import Keeping, Promise
from convscope.classifier.held_out.appearance import Appearance
from convscope.classifier.held_out.familiarity import MOST_VALUES, Familiarity
from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.held_out.storage import Taught
from convscope.classifier.prediction import Prediction
from convscope.errors import RunError, UsageError


def held_out(
    unlikeness: NDArray[np.float64] | None = None,
    confidence: NDArray[np.float64] | None = None,
    right: NDArray[np.bool_] | None = None,
    true: NDArray[np.float64] | None = None,
) -> HeldOut:
    sure = np.empty(0) if confidence is None else confidence
    return HeldOut(
        confidence=sure,
        true=sure if true is None else true,
        right=np.ones(len(sure), np.bool_) if right is None else right,
        unlikeness=np.sort(np.empty(0) if unlikeness is None else unlikeness),
    )


def test_likeness_is_the_share_of_images_that_are_as_unlike() -> None:
    known = held_out(np.arange(99.0))
    assert known.likeness(np.array([1e9, 98.0, 97.5, 0.0])).tolist() == [0.01, 0.02, 0.02, 1.0]
    assert known.is_unknown(known.likeness(np.array([1e9, 98.0]))).tolist() == [True, False]


@pytest.mark.parametrize(
    ("images", "share"), [(18, 0.0), (19, 1 / 20), (62, 1 / 63), (99, 1 / 100), (750, 7 / 751), (9999, 0.01)]
)
def test_of_few_images_more_are_called_unknown_and_of_very_few_none(images: int, share: float) -> None:
    known = held_out(np.arange(float(images)))
    assert known.false_alarms == pytest.approx(share)
    assert known.is_unknown(known.likeness(np.array([math.inf]))).tolist() == [share > 0]


def test_images_like_those_held_out_are_unknown_as_often_as_is_said() -> None:
    random = np.random.default_rng(0)
    shares = [
        known.is_unknown(known.likeness(random.normal(size=500))).mean()
        for known in (held_out(random.normal(size=199)) for _ in range(400))
    ]
    assert np.mean(shares) == pytest.approx(0.01, abs=4 * np.std(shares) / 20)


def test_sets_hold_the_right_class_as_often_as_was_asked_for() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(400):
        true = random.beta(4, 1, size=60)
        least = held_out(confidence=true, true=true).least_probability(0.9)
        found.append((random.beta(4, 1, size=200) >= least).mean())
    assert 0.9 - 0.004 <= np.mean(found) <= 0.9 + 1 / 61 + 0.004


def test_too_few_images_make_every_class_possible() -> None:
    true = np.full(18, 0.9)
    assert held_out(confidence=true, true=true).least_probability(0.95) == 0.0
    true = np.append(true, 0.4)
    assert held_out(confidence=true, true=true).least_probability(0.95) == 0.4


def test_the_promised_risk_is_kept_in_19_of_20_trainings() -> None:
    """An answer of confidence c is right with chance c: from t on (1 - t) / 2 of them are wrong."""
    random = np.random.default_rng(2)
    broken = given = 0
    for _ in range(400):
        confidence = random.uniform(size=1000)
        right = random.uniform(size=1000) < confidence
        start = held_out(confidence=confidence, right=right).confidence_for_risk(0.2)
        given += start < 1
        broken += start < 1 and (1 - start) / 2 > 0.2
    assert given > 350
    assert broken <= 20


def test_a_risk_that_nothing_shows_is_not_promised() -> None:
    known = held_out(confidence=np.linspace(0.5, 1, 50))
    keeping = Keeping.of(Promise(risk=0.001), known)
    assert keeping.confidence_from == math.inf
    assert keeping.to_dict()["abstaining"]["confidence_from"] is None
    assert keeping.apply([Prediction("a", "x", 1.0, {"x": 1.0})])[0].answer is None
    assert "no answer is given: the 50 images held out do not show" in keeping.said[0]


def test_a_coverage_answers_the_surest() -> None:
    known = held_out(confidence=np.linspace(0.01, 1, 100))
    keeping = Keeping.of(Promise(coverage=0.25), known)
    assert keeping.confidence_from == pytest.approx(0.76)
    answers = keeping.apply([Prediction("a", "x", share, {"x": share}) for share in (0.75, 0.77)])
    assert [each.answer for each in answers] == [None, "x"]


def test_possible_classes_begin_with_the_likeliest_however_unlikely() -> None:
    known = held_out(confidence=np.full(99, 0.6), true=np.full(99, 0.6))
    keeping = Keeping.of(Promise(sets=0.9), known)
    shares = {"a": 0.1, "b": 0.55, "c": 0.35}
    assert keeping.apply([Prediction("x", "b", 0.55, shares)])[0].possible == ("b",)
    wide = Keeping(promise=Promise(sets=0.9), held_out=known, probability_from=0.3)
    assert wide.apply([Prediction("x", "b", 0.55, shares)])[0].possible == ("b", "c")


@pytest.mark.parametrize("asked", [{"sets": 95.0}, {"risk": 0.0}, {"coverage": 1.0}])
def test_a_share_that_is_none_is_refused(asked: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=rf"--{next(iter(asked))}: .* must lie between 0 and 1"):
        Promise(**asked)
    with pytest.raises(UsageError, match="give one of them"):
        Promise(risk=0.1, coverage=0.5)


def test_nothing_is_promised_without_images_held_out() -> None:
    for nothing in (None, held_out(np.arange(50.0))):
        with pytest.raises(UsageError, match="--folds 5"):
            Keeping.of(Promise(sets=0.9), nothing)


def test_unlikeness_is_the_angle_to_the_nearest_and_no_matter_how_long() -> None:
    seen = torch.stack([digit(200), digit(250)])
    known = Familiarity.of(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), seen)
    asked = torch.tensor([[5.0, 0.0], [3.0, 3.0], [-1.0, 0.0], [0.0, 0.0]])
    expected = torch.tensor([0.0, 1 - math.sqrt(0.5), 1.0, 1.0], dtype=torch.float64)
    assert torch.allclose(known.unlikeness(asked, digit(230)[None].repeat(4, 1, 1, 1)), expected, atol=1e-6)
    by_looks = known.unlikeness(asked[:1].repeat(3, 1), torch.stack([digit(230), digit(190), digit(40)]))
    assert 0 == by_looks[0].round(decimals=6) < by_looks[1] < by_looks[2]


def test_many_features_are_kept_of_fewer_images() -> None:
    assert Familiarity.of(torch.rand(1500, 8), digit()[None]).directions.shape == (1000, 8)
    assert Familiarity.of(torch.rand(900, 4096), digit()[None]).directions.numel() <= MOST_VALUES


def digit(shade: int = 255) -> torch.Tensor:
    image = torch.zeros(3, 20, 20, dtype=torch.uint8)
    image[:, 6:14, 9:12] = shade
    return image


def test_what_differs_plainly_is_said() -> None:
    looks = Appearance.of(torch.stack([digit(shade) for shade in range(200, 256, 5)]))
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 20, 20), dtype=np.uint8))
    coloured = digit()
    coloured[0] = 0
    asked = torch.stack([digit(230), 255 - digit(), digit(40), noise, coloured])
    usual, negative, dark, rough, bright = looks.differences(asked)
    assert (usual, negative, dark) == ((), ("inverted",), ("darker", "flatter"))
    assert {"brighter", "rougher", "coloured"} <= set(rough)
    assert "coloured" in bright
    colour = Appearance.of(torch.stack([coloured, coloured // 2]))
    assert "grey" in colour.differences(digit()[None])[0]
    dot = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    assert looks.differences(dot) == [("darker", "flatter", "smoother")]


def test_it_is_stored_bit_for_bit(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    features = torch.from_numpy(random.normal(size=(30, 7)))
    known = HeldOut(
        confidence=random.uniform(size=20),
        true=random.uniform(size=20),
        right=random.uniform(size=20) < 0.5,
        unlikeness=np.sort(random.uniform(size=20)),
        familiarity=Familiarity.of(features, digit()[None]),
        folds=5,
    )
    path = tmp_path / "held_out.safetensors"
    path.write_bytes(Taught(held_out=known, temperature=1.7, checkpoint="step-00000010").to_bytes())
    found = Taught.read(path)
    assert found is not None
    again = found.held_out
    assert (found.temperature, found.checkpoint, again.folds) == (1.7, "step-00000010", 5)
    for name in ("confidence", "true", "right", "unlikeness"):
        assert np.array_equal(getattr(again, name), getattr(known, name))
    assert again.familiarity is not None
    assert known.familiarity is not None
    images = digit(90)[None].repeat(30, 1, 1, 1)
    unlikeness = known.familiarity.unlikeness(features, images)
    assert again.familiarity.unlikeness(features, images).equal(unlikeness)
    assert again.familiarity.appearance.differences(255 - digit()[None]) == [("inverted",)]


def test_a_damaged_file_is_named_and_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "held_out.safetensors"
    assert Taught.read(path) is None
    for content in (b"", b"short", Taught(held_out=held_out(np.arange(3.0))).to_bytes()[:-5]):
        path.write_bytes(content)
        with pytest.raises(RunError, match="is damaged"):
            Taught.read(path)
