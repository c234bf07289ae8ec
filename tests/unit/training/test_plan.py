from dataclasses import replace

import pytest

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.data.survey import Survey
from convscope.errors import UsageError
from convscope.training.fine_tuning.stages import FineTuning
from convscope.training.plan import plan_experiment


def looked_at(*, size=(500, 375), modes=("RGB",), classes=None, name="photos", task="classification"):
    classes = {"cat": 150, "kitten": 182} if classes is None else classes
    count = sum(classes.values()) or 300
    return Survey(
        name=name,
        kind="files",
        count=count,
        class_counts=classes,
        split_counts={},
        probed=count,
        sizes=(size,) * count,
        paths=("a.jpg",) * count,
        orientations=(1,) * count,
        formats={"JPEG": count},
        modes=dict.fromkeys(modes, count),
        task_hint=task,
        quarantined=(),
    )


def planned(survey=None, **given):
    config = override(ExperimentConfig(), {name.replace("__", "."): value for name, value in given.items()})
    plan = plan_experiment(config, looked_at() if survey is None else survey)
    return plan.config, plan.choices


@pytest.mark.parametrize(
    ("survey", "network", "side", "augmentation"),
    [
        (looked_at(), "efficientnet-lite0", FineTuning().image_size, "photos"),
        (looked_at(size=(28, 28), modes=("L",)), "two-conv", 28, "digits"),
        (looked_at(size=(32, 32)), "efficientnet-lite0", 192, "photos"),
        (replace(looked_at(size=(32, 32)), count=50_000), "efficientnet-lite0", 128, "photos"),
        (looked_at(size=(20, 20)), "whitened-vgg", 20, "cifar"),
        (looked_at(size=(8, 8)), "small-resnet", 8, "cifar"),
        (looked_at(size=(128, 128), name="counting-1-5"), "counter", 128, "symmetric"),
    ],
)
def test_the_data_decides(survey, network, side, augmentation):
    config, choices = planned(survey)
    assert config.network.name == network
    assert config.preprocessing.size == side
    assert config.augmentation.preset == augmentation
    told = {choice.what: choice for choice in choices}
    assert told["network"].value == network
    assert told["network"].reason


def test_answers_are_averaged_with_the_mirror_image_where_training_flips_and_the_recipe_says_so():
    config, choices = planned(looked_at(size=(32, 32)), network__name="whitened-vgg")
    assert config.preprocessing.mirrored
    assert "answers" in {choice.what for choice in choices}
    for given in ({"augmentation__preset": "shift=0.1"}, {"preprocessing__mirrored": False}):
        config, choices = planned(looked_at(size=(32, 32)), network__name="whitened-vgg", **given)
        assert not config.preprocessing.mirrored
        assert "answers" not in {choice.what for choice in choices}
    assert not planned(looked_at(size=(28, 28), modes=("L",)))[0].preprocessing.mirrored


def test_a_whitened_network_starts_by_passing_on_what_it_sees_unless_asked_otherwise():
    config, _ = planned(looked_at(size=(32, 32)), network__name="whitened-vgg")
    assert (config.network.initialiser, config.network.last_initialiser) == ("identity", "xavier")
    config, _ = planned(looked_at(size=(32, 32)), network__name="whitened-vgg", network__initialiser="he")
    assert (config.network.initialiser, config.network.last_initialiser) == ("he", None)


def grey(images):
    return looked_at(size=(28, 28), modes=("L",), classes={"0": images // 2, "1": images - images // 2})


@pytest.mark.parametrize(("images", "epochs"), [(1_000, 40), (5_000, 20), (40_000, 2)])
def test_few_small_grey_images_are_seen_as_often_as_makes_a_hundred_thousand(images, epochs):
    config, _ = planned(grey(images))
    assert config.training.epochs == epochs


@pytest.mark.parametrize("given", [{}, {"train": 55_000, "validation": 5_000, "test": 10_000}])
def test_many_small_grey_images_are_seen_one_and_a_half_times(given):
    config, _ = planned(replace(grey(70_000), split_counts=given))
    images = given.get("train", 70_000 * (1 - config.data.validation_fraction - config.data.test_fraction))
    assert config.training.steps * config.training.batch_size == pytest.approx(1.3 * images, abs=200)
    assert config.augmentation.preset == "pad-and-crop=2, edge-padding"
    longer, _ = planned(grey(70_000), training__epochs=10)
    assert longer.augmentation.preset == "digits"


def test_small_colour_images_that_are_to_stay_small_are_learned_from_scratch():
    config, _ = planned(looked_at(size=(32, 32)), preprocessing__size=32)
    assert (config.network.name, config.preprocessing.size) == ("whitened-vgg", 32)


def test_what_was_said_stays():
    config, _ = planned(
        network__name="vgg11", preprocessing__size=96, preprocessing__fit="pad", training__epochs=3
    )
    assert config.network.name == "vgg11"
    assert (config.preprocessing.size, config.preprocessing.fit) == (96, "pad")
    assert config.training.epochs == 3


def test_a_network_bound_to_a_size_gets_that_size():
    bound, _ = planned(network__name="timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    free, _ = planned(network__name="timm:resnet34.a1_in1k")
    assert bound.preprocessing.size == 224
    assert free.preprocessing.size == FineTuning().image_size


@pytest.mark.parametrize(("size", "fit"), [((500, 480), "crop"), ((500, 375), "squash")])
def test_photos_are_cropped_only_where_that_cuts_little_away(size, fit):
    config, _ = planned(looked_at(size=size))
    assert config.preprocessing.fit == fit


@pytest.mark.parametrize(("rare", "balance"), [(100, "none"), (20, "loss")])
def test_a_rare_class_weighs_more(rare, balance):
    config, _ = planned(looked_at(classes={"cat": 200, "kitten": rare}))
    assert config.training.balance == balance


def test_a_number_is_not_smoothed():
    config, _ = planned(looked_at(classes={}, task="regression"))
    assert config.data.task == "regression"
    assert config.training.label_smoothing == 0.0


@pytest.mark.parametrize(
    ("setting", "value", "off"),
    [
        ("frozen", True, False),
        ("frozen_share", 0.5, 0.0),
        ("rate_decay", 0.7, 1.0),
        ("head_scale", 0.5, 1.0),
        ("frozen_statistics", True, False),
    ],
)
def test_what_only_fine_tuning_does_is_refused_where_nothing_was_trained_before(setting, value, off):
    field = f"training.{setting}"
    with pytest.raises(UsageError, match=rf"{field} .*two-conv.*--network pretrained"):
        planned(**{field: value, "network.name": "two-conv"})
    assert getattr(planned(**{field: off, "network.name": "two-conv"})[0].training, setting) == off
    assert getattr(planned(**{field: value})[0].training, setting) == value


@pytest.mark.parametrize(("count", "share"), [(300, 0.15), (33_000, 0.15), (100_000, 0.05)])
def test_validation_takes_no_more_images_than_say_enough(count, share):
    survey = replace(looked_at(size=(32, 32)), count=count)
    config, _ = planned(survey)
    assert config.data.validation_fraction == pytest.approx(share)
    divided, _ = planned(replace(survey, count=count + 50_000, split_counts={"train": count, "test": 50_000}))
    assert divided.data.validation_fraction == pytest.approx(share)
    given, _ = planned(survey, data__validation_fraction=0.3)
    assert given.data.validation_fraction == 0.3
