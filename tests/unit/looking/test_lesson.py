"""The tour's numbers are the network's own, and those that are reckoned here come out the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convscope as cs
from convscope.looking.lesson import Lesson, measure_lesson
from convscope.looking.subject import Subject, open_subject


@pytest.fixture(scope="module")
def subject(trained: Path) -> Subject:
    return open_subject(trained)


@pytest.fixture(scope="module")
def lesson(subject: Subject) -> Lesson:
    return measure_lesson(subject)


def test_the_image_is_one_that_the_network_is_right_on(subject: Subject, lesson: Lesson) -> None:
    assert lesson.image.label is not None
    logits = subject.classifier.logits(lesson.image.pixels[None])
    if (subject.judged.outputs.argmax(1) == np.asarray(subject.judging.labels)).any():
        assert lesson.answer == subject.class_names[lesson.image.label]
    assert lesson.probability == pytest.approx(float(logits.softmax(1).max()), abs=1e-5)


def test_the_probability_is_the_classifiers_whose_scores_are_divided(subject: Subject) -> None:
    classifier = subject.classifier
    tempered = replace(classifier, target=replace(classifier.target, temperature=0.25))
    found = measure_lesson(replace(subject, classifier=tempered))
    logits = tempered.logits(found.image.pixels[None])
    assert found.temperature == 0.25
    assert found.probability == pytest.approx(float(logits.softmax(1).max()), abs=1e-5)


def test_products_and_bias_add_up_to_what_the_layer_says(subject: Subject, lesson: Lesson) -> None:
    found = lesson.convolution
    assert found is not None
    layer = subject.network.conv1
    assert isinstance(layer, torch.nn.Conv2d)
    maps = layer(torch.as_tensor(lesson.standardised)[None])[0].detach().numpy()
    total = found.sum
    assert total.value == pytest.approx(maps[total.unit, total.row, total.column], abs=1e-5)
    np.testing.assert_allclose(found.map, maps[total.unit], atol=1e-5)
    window = total.windows[0]
    rows, columns = (slice(at, at + 5) for at in (total.top, total.left))
    np.testing.assert_allclose(window.inputs, lesson.standardised[0, rows, columns])
    assert layer.bias is not None
    weights, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    by_hand = (window.inputs * weights[total.unit, 0]).sum() + bias[total.unit]
    assert by_hand == pytest.approx(total.value, abs=1e-4)


def test_the_corner_reaches_two_rows_and_columns_into_the_padding(lesson: Lesson) -> None:
    assert lesson.convolution is not None
    inside = lesson.convolution.corner.inside
    assert inside.sum() == 9  # of 25
    assert inside[2:, 2:].all()


@pytest.mark.parametrize(("stride", "padding"), [(1, 2), (1, 0), (2, 2), (3, 1)])
def test_the_size_with_another_stride_is_what_a_convolution_gives(
    lesson: Lesson, stride: int, padding: int
) -> None:
    found = lesson.convolution
    assert found is not None
    given = F.conv2d(torch.zeros(1, 1, *found.input_size), torch.zeros(1, 1, 5, 5), None, stride, padding)
    assert found.size_with(stride, (padding, padding)) == tuple(given.shape[-2:])


@pytest.mark.parametrize(("extra", "follows"), [(0, True), (1, False)])
def test_a_layer_that_pads_one_side_more_is_not_explained_by_the_formula(
    lesson: Lesson, extra: int, follows: bool
) -> None:
    assert lesson.convolution is not None
    height, width = lesson.convolution.output_size
    assert replace(lesson.convolution, output_size=(height, width + extra)).follows_formula == follows


def test_pooling_gives_on_the_largest_of_four(lesson: Lesson) -> None:
    assert lesson.pooled is not None
    assert lesson.pooled.value == lesson.pooled.inputs.max()
    assert lesson.convolution is not None
    assert lesson.pooled_map is not None
    assert lesson.pooled_map.shape == tuple(side // 2 for side in lesson.convolution.map.shape)


def test_large_weights_explode_small_ones_vanish_and_he_keeps_their_size(lesson: Lesson) -> None:
    large, small, he = lesson.beginnings
    assert large.layers[-1] == "logits"
    assert large.growth > 100
    assert small.growth < 0.1
    assert 0.1 < he.growth < 10
    assert not lesson.is_normalised
    assert large.loss > 50 * he.loss
    assert small.loss == pytest.approx(np.log(2), abs=0.01)


def test_a_network_that_normalises_begins_as_its_first_step_finds_it(bars: Path, tmp_path: Path) -> None:
    """Not by running statistics, which no step has measured: by those, large weights gave a loss of 1e9."""
    settings = {"steps": 1, "batch_size": 16, "threads": 1}
    found = measure_lesson(
        open_subject(cs.train(bars, runs=tmp_path, network="small-resnet", **settings).path)
    )
    assert found.is_normalised
    for begun in found.beginnings:
        assert all(0.5 < deviation < 2 for deviation in begun.deviations[:-1])
        assert begun.loss < 20


def test_measuring_leaves_the_network_as_it_was(trained: Path) -> None:
    subject = open_subject(trained)
    before = {name: value.clone() for name, value in subject.network.state_dict().items()}
    was_training = subject.network.training
    measure_lesson(subject)
    assert subject.network.training == was_training
    assert all(torch.equal(before[name], value) for name, value in subject.network.state_dict().items())


def test_a_network_without_convolutions_has_the_rest_of_the_tour(linear_run: Path) -> None:
    found = measure_lesson(open_subject(linear_run))
    assert found.convolution is None
    assert found.pooled is None
    assert [begun.layers for begun in found.beginnings] == [("logits",)] * 3
