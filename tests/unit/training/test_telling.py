"""What a training says of its split: who decided what."""

import numpy as np
import pytest
from PIL import Image

from convscope.config.asked import DataConfig, ExperimentConfig
from convscope.data.loading import load_dataset
from convscope.data.survey import survey
from convscope.training.telling import describe_data


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (("",), "by content and seed 0, stratified"),
        (("train/", "valid/", "test/"), "as the source gives it"),
        (
            ("train/", "test/"),
            "the source gives the test; validation is taken from its training images, "
            "by content and seed 0, stratified",
        ),
        (("train/", "valid/"), "as the source gives it, which has no test"),
        (
            ("train/",),
            "the source gives training images alone; the others are taken from them, "
            "by content and seed 0, stratified",
        ),
    ],
)
def test_the_split_is_said_to_be_whose_it_is(tmp_path, folders, said):
    for number, folder in enumerate(f"{split}{name}" for split in folders for name in ("a", "b")):
        (tmp_path / folder).mkdir(parents=True)
        for index in range(8):
            pixels = np.random.default_rng([number, index]).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{index}.png")
    config = DataConfig(source=str(tmp_path))
    dataset = load_dataset(config, size=(8, 8), channels=3, fit="squash", seed=0)
    choices = describe_data(survey(config), dataset, ExperimentConfig(data=config))
    assert [choice.reason for choice in choices if choice.what == "split"] == [said]
