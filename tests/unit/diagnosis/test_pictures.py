"""Rules on what a look measured: a statistic knows its ceiling, and a check that fails is said."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from convscope.diagnosis.pictures import fitted_on, is_incomplete, patches, plane, templates, where
from convscope.inspection.class_evidence.sanity import SanityCheck
from convscope.inspection.patches.top_patches import TopPatches
from convscope.inspection.planes import Plane
from convscope.looking.filters import SeenTemplates
from convscope.looking.patches import Excitation
from convscope.looking.plane import SeenPlane, neighbours_of_own_class
from convscope.looking.subject import Looked
from convscope.looking.where import Case, SeenWhere
from convscope.networks.following.receptive_fields import ReceptiveField


def seen_plane(values: np.ndarray, labels: np.ndarray) -> SeenPlane:
    laid = Plane(
        method="pca",
        points=values[:, :2],
        indices=np.arange(len(values)),
        available=len(values),
        explained_variance=(0.4, 0.2),
    )
    return SeenPlane(
        laid=laid,
        labels=labels,
        predicted=labels,
        layer="head",
        split="test",
        ids=("a.png",) * len(values),
        pixels=np.zeros((len(values), 1, 8, 8), np.uint8),
        neighbours=neighbours_of_own_class(values, labels),
    )


def cloud(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)


def test_one_image_a_class_leaves_the_statistic_out() -> None:
    said = [finding.said for finding in plane(seen_plane(cloud(12), np.arange(12)))]
    assert not any("0 %" in each.removeprefix("the plane holds 60 %") for each in said)
    assert any("no class has two images" in each for each in said)


def test_three_images_a_class_say_what_can_be_had_at_most() -> None:
    labels = np.repeat(np.arange(10), 3)
    values = np.eye(10, dtype=np.float32)[labels] * 100 + cloud(30)[:, :1]
    near = neighbours_of_own_class(values, labels)
    assert near is not None
    assert near.share == near.most == pytest.approx(0.2)
    assert (
        "20 % are of its own class (by chance 6.9 %, at most 20 %)"
        in plane(seen_plane(values, labels))[1].said
    )


def test_a_class_with_one_image_lowers_the_ceiling() -> None:
    near = neighbours_of_own_class(cloud(12), np.array([0] * 11 + [1]))
    assert near is not None
    assert near.most == pytest.approx(11 / 12)


def test_values_that_know_nothing_of_classes_are_said_to_be_at_chance() -> None:
    labels = np.arange(200) % 2
    near = neighbours_of_own_class(cloud(200), labels)
    assert near is not None
    assert near.share == pytest.approx(near.by_chance, abs=0.06)
    assert near.most == 1


def test_images_that_are_equal_are_each_others_neighbours_not_their_own() -> None:
    near = neighbours_of_own_class(np.zeros((30, 3), np.float32), np.arange(30) % 2)
    assert near is not None
    assert near.share < 0.7


def test_a_layer_that_sees_all_images_alike_has_no_share_of_variance_and_no_neighbours() -> None:
    flat = replace(seen_plane(np.ones((30, 3), np.float32), np.arange(30) % 2), is_flat=True)
    (found,) = plane(flat)
    assert found.severity == "error"
    assert "the same values for all images" in found.sentence


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_images_are_no_error(count: int) -> None:
    assert plane(seen_plane(cloud(count), np.arange(count)))


def seen_where(
    missed: list[float],
    correlation: float = 0.1,
    split: str | None = "test",
    beside: list[list[bool]] | None = None,
) -> SeenWhere:
    count = len(missed)
    looked = Looked(pixels=torch.zeros(1, 8, 8, dtype=torch.uint8), name="a.png", digest="a", split=split)  # type: ignore[arg-type]
    return SeenWhere(
        cases=tuple(Case(looked=looked, target=0) for _ in range(count)),
        methods=("grad-cam", "integrated gradients", "occlusion"),
        maps=np.zeros((3, count, 8, 8), np.float32),
        outputs=np.ones(count),
        missed=np.array(missed),
        sanity=SanityCheck(
            randomisation="cascading", stages=(("a",),), similarity=np.full((1, count), correlation)
        ),
        layer="conv",
        class_names=("cat", "kitten"),
        beside=np.zeros((3, count), bool) if beside is None else np.array(beside),
    )


def test_maps_that_miss_their_own_check_are_counted_and_the_worst_is_named() -> None:
    found = where(seen_where([0.01, 5.73, 0.4]))
    gradients = next(each for each in found if each.name == "map-completeness")
    assert gradients.severity == "warning"
    assert "up to 573 % of the score in 2 of 3 rows" in gradients.sentence
    assert "faded" in gradients.sentence


def test_a_score_that_does_not_change_at_all_is_not_called_infinite_per_cent() -> None:
    found = where(seen_where([np.inf]))
    assert any("more than all of the score here" in each.sentence for each in found)


def test_maps_that_add_up_are_fine() -> None:
    answer, *found = where(seen_where([0.001, 0.15]))
    assert answer.sentence.endswith(": cat, > 99.9 %")
    assert all(each.severity == "fine" for each in found)
    assert [is_incomplete(missed) for missed in (0.0, 0.2, 0.21, np.inf)] == [False, False, True, True]


def test_maps_that_do_not_depend_on_the_weights_are_warned_of() -> None:
    _, found, *_ = where(seen_where([0.0], correlation=0.8))
    assert found.severity == "warning"
    assert found.sentence == "Grad-CAM: the maps hardly depend on what the network learned"


def test_maps_that_are_strongest_in_the_padding_are_warned_of() -> None:
    beside = [[True, True], [False, False], [False, True]]
    said = [each.said for each in where(seen_where([0.0, 0.0], beside=beside)) if each.name == "looks-beside"]
    assert len(said) == 2
    assert "Grad-CAM is strongest outside the image, in its padding, in 2 of 2 rows" in said[0]
    assert "occlusion" in said[1]


def test_templates_of_noise_are_told_from_templates_with_a_shape() -> None:
    noise = np.random.default_rng(0).normal(size=(3, 1, 12, 12)).astype(np.float32)
    names = ("a", "b", "c")
    assert templates(SeenTemplates(layer="logits", weights=noise, names=names))[0].severity == "warning"
    smooth = noise.cumsum(axis=2).cumsum(axis=3)
    assert templates(SeenTemplates(layer="logits", weights=smooth, names=names))[0].severity == "note"


def test_training_images_are_named_as_such() -> None:
    assert "this is a training image" in where(seen_where([0.0, 0.0], split="train"))[-1].sentence
    assert fitted_on([]) == []
    new = Looked(pixels=torch.zeros(1, 8, 8), name="new.png", digest="a")
    assert fitted_on([new]) == []
    assert "1 of 2 are" in fitted_on([new, replace(new, split="train", digest="b")])[0].sentence


def excitation(classes: np.ndarray, counts: list[int]) -> Excitation:
    units = len(classes)
    field = ReceptiveField(size=(16, 16), stride=(4, 4), offset=(0, 0), image_size=(16, 16))
    found = TopPatches.__new__(TopPatches)
    for name, value in {
        "layer": "conv",
        "units": np.arange(units),
        "field": field,
        "seen": sum(counts),
    }.items():
        object.__setattr__(found, name, value)
    return Excitation(
        patches=found,
        classes=classes,
        class_counts=np.array(counts),
        class_names=tuple("abcdefghij"[: len(counts)]),
        units_in_layer=units,
    )


def test_a_unit_that_agrees_no_more_than_the_luckiest_of_so_many_is_not_singled_out() -> None:
    random = np.random.default_rng(1)
    lucky = excitation(random.integers(0, 2, (15, 9)), [100, 100])
    assert "no more than chance" in patches(lucky)[0].sentence


def test_a_unit_that_answers_to_one_class_is_named() -> None:
    random = np.random.default_rng(1)
    classes = random.integers(0, 10, (15, 9))
    classes[4] = 7
    assert "unit 4: 9 of 9 patches are from images of 'h'" in patches(excitation(classes, [50] * 10))[0].said


def test_with_one_frequent_class_agreement_says_nothing() -> None:
    classes = np.zeros((15, 9), np.int64)
    assert "no more than chance" in patches(excitation(classes, [300, 5]))[0].sentence


def test_two_classes_are_told_apart_by_many_units_though_one_of_fifteen_might_be_lucky() -> None:
    """One unit with 9 of 9 comes about once in sixteen times by chance; ten of them do not."""
    random = np.random.default_rng(1)
    classes = random.integers(0, 2, (15, 9))
    classes[:10] = (np.arange(10) % 2)[:, None]
    assert "9 of 9 patches are from images of 'a'" in patches(excitation(classes, [100, 100]))[0].said
