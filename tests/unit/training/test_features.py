"""Features are computed once per image and draw, whoever asks, and found again by the next run."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import convscope
from convscope.data.dataset import ImageRows
from convscope.data.pixels.cache import CACHE_LIMIT, cache_folder, list_cache, trim_cache
from convscope.data.preprocessing import Preprocessing
from convscope.training.fine_tuning import features
from convscope.training.fine_tuning.features import find_features, head_outputs


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Counted(nn.Module):
    """A backbone that counts the images that it sees."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(6, 2)
        self.seen = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen += len(images)
        return self.classifier(self.body(images))


PREPROCESSING = Preprocessing(9, 9, 3)


@pytest.fixture
def images() -> ImageRows:
    random = torch.Generator().manual_seed(0)
    return ImageRows.of(torch.randint(0, 256, (40, 3, 9, 9), dtype=torch.uint8, generator=random))


def test_each_image_and_each_mirror_image_is_seen_once(images: ImageRows) -> None:
    network = Counted()
    first = find_features(network, PREPROCESSING, images)
    assert network.seen == 40
    find_features(network, PREPROCESSING, images.mirror())
    assert network.seen == 80
    rows = torch.tensor([7, 3, 7, 39])
    assert find_features(network, PREPROCESSING, images.take(rows)).equal(first[rows])
    assert network.seen == 80


def test_only_what_is_new_is_computed(images: ImageRows) -> None:
    network = Counted()
    find_features(network, PREPROCESSING, images.take(slice(0, 30)))
    everything = find_features(network, PREPROCESSING, images)
    assert network.seen == 40
    assert everything.allclose(network.body(PREPROCESSING.standardise(images.all())), atol=1e-6)


def test_another_backbone_another_preprocessing_and_other_pixels_have_features_of_their_own(
    images: ImageRows,
) -> None:
    found = find_features(Counted(), PREPROCESSING, images)
    assert not find_features(Counted(seed=1), PREPROCESSING, images).equal(found)
    brighter = Preprocessing(9, 9, 3, mean=torch.full((3, 1, 1), 0.2))
    assert not find_features(Counted(), brighter, images).equal(found)
    other = ImageRows.of(images.all().flip(0))
    assert find_features(Counted(), PREPROCESSING, other).equal(found.flip(0))


def test_another_head_on_the_same_backbone_shares_them(images: ImageRows) -> None:
    find_features(Counted(), PREPROCESSING, images)
    network = Counted()
    network.classifier = nn.Linear(6, 9)
    outputs = head_outputs(network, PREPROCESSING, images)
    assert network.seen == 0
    assert outputs.allclose(network(PREPROCESSING.standardise(images.all())), atol=1e-5)


def test_damaged_features_are_computed_again(images: ImageRows) -> None:
    network = Counted()
    found = find_features(network, PREPROCESSING, images)
    (path,) = cache_folder().glob("features-*.npy")
    content = bytearray(path.read_bytes())
    content[200] ^= 255
    path.write_bytes(content)
    assert find_features(network, PREPROCESSING, images).equal(found)
    assert network.seen == 80


def test_the_cache_shows_them_and_lets_go_of_them(
    images: ImageRows,
) -> None:
    find_features(Counted(), PREPROCESSING, images)
    (entry,) = list_cache()
    assert (entry.holds, entry.images, entry.shape) == ("features", 40, (6,))

    assert trim_cache(limit=entry.bytes - 1) == [entry.key]
    assert entry.bytes < CACHE_LIMIT


def test_no_images_have_no_features(images: ImageRows) -> None:
    assert find_features(Counted(), PREPROCESSING, images.take(slice(0, 0))).shape == (0, 6)


def test_folds_ask_a_backbone_for_each_image_once(
    pictures: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    computed = features.compute_features

    def counting(network: nn.Module, preprocessing: Preprocessing, images: ImageRows) -> torch.Tensor:
        seen.append(len(images))
        return computed(network, preprocessing, images)

    monkeypatch.setattr(features, "compute_features", counting)
    settings = {"network": "pretrained", "frozen": True, "folds": 3, "size": 32, "threads": 1}
    for seed in (0, 1):
        convscope.train(pictures(tmp_path / str(seed)), runs=tmp_path / "runs", seed=seed, **settings)
    assert seen == [60, 60]  # and their mirror images; the second seed asks for nothing
