import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from convscope.config.asked import DataConfig
from convscope.data.sources import named, open_source
from convscope.errors import DataError


def write_idx(path, values):
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(head + values.astype(np.uint8).tobytes())


def write_little_mnist(folder):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 12), ("t10k", 4)):
        write_idx(raw / f"{part}-images-idx3-ubyte", np.arange(count * 784).reshape(count, 28, 28) % 251)
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(count) % 10)
    return raw


@pytest.fixture
def little_mnist(tmp_path, monkeypatch):
    raw = write_little_mnist(tmp_path)
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path))
    monkeypatch.setattr(named, "VALIDATION_IMAGES", 5)
    return raw


def test_validation_is_the_beginning_of_the_training_file(little_mnist):
    source = named.named_source("mnist")
    assert source.splits == ("validation",) * 5 + ("train",) * 7 + ("test",) * 4
    assert source.images.shape == (16, 1, 28, 28)
    assert source.images[1, 0, 0, :3].tolist() == [784 % 251, 785 % 251, 786 % 251]
    assert source.labels.tolist() == [*range(10), 0, 1, 0, 1, 2, 3]
    assert (source.ids[0], source.ids[-1]) == ("train/00000", "test/00003")


def test_without_validation_all_of_the_training_file_is_for_training(little_mnist):
    source = open_source(DataConfig(source="mnist", validation_fraction=0.0))
    assert source.splits == ("train",) * 12 + ("test",) * 4
    assert source.notes == ()


def test_damaged_file_is_named(little_mnist):
    path = little_mnist / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match="train-images-idx3-ubyte is damaged"):
        named.named_source("mnist")


def cut(content):
    return content[: len(content) // 2]


def spoilt(content):
    return content[:40] + bytes(40) + content[80:]


def page(_):
    return b"<html>Log in to this network</html>"


@pytest.mark.parametrize("spoil", [cut, spoilt, page, lambda _: b""])
def test_a_damaged_packed_file_is_named(little_mnist, spoil):
    path = little_mnist / "train-images-idx3-ubyte"
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(spoil(gzip.compress(path.read_bytes())))
    path.unlink()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        named.named_source("mnist")


@pytest.fixture
def network(monkeypatch):
    """Stands for torchvision: downloads a little MNIST, interrupted in its first file as often as is said."""
    monkeypatch.delenv("CONVSCOPE_DATA", raising=False)
    interruptions = []

    def download(folder, **_):
        raw = write_little_mnist(Path(folder))
        if interruptions:
            first = raw / "train-images-idx3-ubyte"
            packed = gzip.compress(first.read_bytes())
            first.unlink()
            (raw / f"{first.name}.gz").write_bytes(cut(packed))
            raise interruptions.pop()

    monkeypatch.setattr(named, "_kind", lambda _: download)
    return interruptions


def test_a_download_goes_on_after_it_was_interrupted(network):
    network.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        named.named_source("mnist")
    assert len(named.named_source("mnist").labels) == 16
    _, cache = named.data_folders()
    assert [path.name for path in cache.iterdir()] == ["MNIST"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_an_interrupted_download_left_is_fetched_again(network, suffix):
    _, cache = named.data_folders()
    path = write_little_mnist(cache) / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    path.unlink()
    path.with_name(path.name + suffix).write_bytes(cut(gzip.compress(whole) if suffix else whole))
    assert len(named.named_source("mnist").labels) == 16


def test_damaged_and_offline_says_so(network):
    _, cache = named.data_folders()
    path = write_little_mnist(cache) / "train-images-idx3-ubyte"
    path.write_bytes(cut(path.read_bytes()))
    network.append(OSError("Name or service not known"))
    with pytest.raises(DataError, match=r"(?s)is damaged and could not be downloaded.*by hand: "):
        named.named_source("mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_absent_and_offline_says_what_to_put_where(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path))

    def offline(_):
        def refuse(*_, **__):
            raise OSError("Name or service not known")

        return refuse

    monkeypatch.setattr(named, "_kind", offline)
    with pytest.raises(
        DataError, match=r"(?s)could not be downloaded.*Put its files there by hand: .*datasets/"
    ):
        open_source(DataConfig(source=name))


def test_digits_are_five_hundred_of_each():
    source = named.named_source("digits")
    assert source.images.shape == (5000, 1, 28, 28)
    assert np.bincount(source.labels).tolist() == [500] * 10
    assert source.images.max() == 255
    assert source.splits is None


@pytest.mark.parametrize("each", named.NAMED_SETS, ids=lambda each: each.name)
def test_what_is_here_is_known_without_opening_it(each, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert each.is_here() == (each.kind == "package")
    (tmp_path / each.folder).mkdir(parents=True)
    assert each.is_here()


def test_real_mnist_has_its_sizes(mnist_folder):
    source = named.named_source("mnist")
    assert [source.splits.count(split) for split in ("train", "validation", "test")] == [
        55_000,
        5_000,
        10_000,
    ]
    assert np.bincount(source.labels[60_000:]).tolist()[:2] == [980, 1135]
