import json
from pathlib import Path

import pytest

import convscope as cs
from convscope.errors import UsageError
from convscope.looking.subject import open_subject
from convscope.trials.features import rising_layers, see_features


def test_it_says_which_layers_were_looked_at_and_what_they_see(bars_run: Path) -> None:
    found = see_features(bars_run)
    assert found.network == "two-conv"
    assert found.images == 28
    assert [each.layer for each in found.layers] == ["conv1", "conv2"]
    assert [each.field.size for each in found.layers] == [(5, 5), (14, 14)]
    figures = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [each["method"] for each in figures["layers"]] == ["deconvnet", "deconvnet"]
    assert all(0.5 <= each["same_class"] <= 1 for each in figures["layers"])


def test_a_reader_may_choose_the_layers_and_how_many_images(bars_run: Path) -> None:
    found = see_features(bars_run, ["conv2"], limit=10, checkpoint="untrained")
    assert [each.layer for each in found.layers] == ["conv2"]
    assert found.images == 10


def test_what_is_not_there_is_refused(bars_run: Path) -> None:
    with pytest.raises(UsageError, match="no layer 'conv9'"):
        see_features(bars_run, ["conv9"])
    with pytest.raises(UsageError, match="0 is not a number of images"):
        see_features(bars_run, limit=0)


def test_a_network_without_convolutions_has_no_patches(bars: Path, tmp_path: Path) -> None:
    run = cs.train(bars, runs=tmp_path, network="linear", steps=1, batch_size=8, threads=1).path
    with pytest.raises(UsageError, match="no convolution"):
        see_features(run)


def test_layers_rise_from_the_first_to_the_last(bars_run: Path) -> None:
    subject = open_subject(bars_run)
    assert rising_layers(subject, 1)[0] == "conv1"
    assert rising_layers(subject, 9) == ("conv1", "conv2")
