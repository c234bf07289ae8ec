"""Files that change, or cannot be read, after they were hashed: that counts for this time alone."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.pixels import cache, decoding
from convscope.data.sources.contents import DiskFile


def load(folder, **options):
    config = DataConfig(source=str(folder), **options)
    return load_dataset(config, size=(16, 16), channels=3, fit="squash", seed=0)


def pixels_by_id(dataset):
    return {
        name: pixels.numpy()
        for images in dataset.splits.values()
        for name, pixels in zip(images.ids, images.images, strict=True)
    }


def on_second_read(monkeypatch, name, act):
    """Let something happen to one file when it is read again, after it was hashed."""
    read, times = DiskFile.read, Counter()

    def reading(self, limit=None):
        times[self.path.name] += 1
        if self.path.name == name and times[name] == 2:
            act(self.path)
        return read(self, limit)

    monkeypatch.setattr(DiskFile, "read", reading)


def raising(error):
    def act(_):
        raise error

    return act


@pytest.fixture
def folder(make_folder):
    photos = make_folder({"cat": 20, "dog": 20})
    (photos / "cat" / "000.png").rename(photos / "cat" / "one.png")
    return photos


def test_a_file_that_could_not_be_read_once_is_read_the_next_time(folder, monkeypatch):
    with monkeypatch.context() as patched:
        on_second_read(patched, "one.png", lambda path: path.rename(path.with_suffix(".away")))
        first = load(folder)
    (folder / "cat" / "one.away").rename(folder / "cat" / "one.png")
    assert [(each.path, each.reason) for each in first.quarantined] == [("cat/one.png", "not there")]
    assert cache.list_cache() == []
    second = load(folder)
    assert second.quarantined == ()
    others = pixels_by_id(first)
    assert len(others) == 39
    assert all(np.array_equal(pixels_by_id(second)[name], others[name]) for name in others)
    assert len(cache.list_cache()) == 1


def test_a_file_that_was_another_for_a_moment_does_not_leave_its_pixels(
    folder, picture, encoded, monkeypatch
):
    path = folder / "cat" / "one.png"
    whole = path.read_bytes()
    with monkeypatch.context() as patched:
        on_second_read(patched, "one.png", lambda path: path.write_bytes(encoded(picture(900))))
        first = load(folder)
    path.write_bytes(whole)
    assert [each.reason for each in first.quarantined] == ["changed while it was read"]
    wanted = np.asarray(Image.open(path).resize((16, 16), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.array_equal(pixels_by_id(load(folder))["cat/one.png"], wanted)


@pytest.mark.parametrize("where", ["open_quietly", "_eight_bits"])
def test_what_the_memory_had_no_room_for_is_tried_again(folder, monkeypatch, where):
    before, left = getattr(decoding, where), [MemoryError()]

    def once(*arguments):
        if left:
            raise left.pop()
        return before(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(decoding, where, once)
        first = load(folder)
    assert [each.reason for each in first.quarantined] == ["too large for the memory"]
    assert load(folder).quarantined == ()


def test_what_is_broken_is_broken_once_and_for_all(folder, monkeypatch):
    (folder / "cat" / "one.png").write_bytes((folder / "cat" / "one.png").read_bytes()[:400])
    assert len(load(folder).quarantined) == 1
    monkeypatch.setattr("convscope.data.pixels.decoded.decode_and_judge", raising(AssertionError("again")))
    assert [each.reason for each in load(folder).quarantined] == ["cut short"]


@pytest.fixture
def deep_folder(tmp_path):
    """Pictures of 12 bits, and one large one of 14."""
    for number in range(24):
        side, most = (60, 16_000) if number == 0 else (20, 4_000)
        values = np.random.default_rng(number).integers(0, most, (side, side), dtype=np.uint16)
        values[0, 0] = most
        place = tmp_path / "scans" / ("a", "b")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(place / ("large.png" if number == 0 else f"{number}.png"))
    return tmp_path / "scans"


def test_white_is_that_of_the_files_within_the_limit(deep_folder):
    assert load(deep_folder, max_pixels=1_000).reading.white == 4_095
    assert load(deep_folder).reading.white == 16_383
    assert load(deep_folder, max_pixels=1_000).reading.white == 4_095


def test_white_is_looked_for_again_after_a_file_could_not_be_read(deep_folder, monkeypatch):
    with monkeypatch.context() as patched:
        on_second_read(patched, "large.png", lambda path: path.rename(path.with_suffix(".away")))
        assert load(deep_folder).reading.white == 4_095
    (deep_folder / "a" / "large.away").rename(deep_folder / "a" / "large.png")
    assert load(deep_folder).reading.white == 16_383
