import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from convscope.data.pixels import cache

SHAPE = (3, 4, 5)


def fill(key, count=6, start=0):
    images = np.random.default_rng(start).integers(0, 256, (count, *SHAPE), dtype=np.uint8)

    def write_all(write):
        for row in reversed(range(count)):
            write(row, images[row])
        return np.asarray(["", "cut short"]), np.arange(4, dtype=np.float32)

    cache.write_entry(key, count, SHAPE, write_all)
    return images


def file_of(key):
    return cache.cache_folder() / f"{key}.npy"


def test_what_was_written_is_mapped():
    images = fill("key")
    found = cache.read_entry("key")
    assert np.array_equal(found.images, images)
    assert isinstance(found.images, np.memmap)
    texts, numbers = found.known
    assert texts.tolist() == ["", "cut short"]
    assert numbers.tolist() == [0, 1, 2, 3]
    assert cache.read_entry("other") is None


def test_numpy_reads_an_entry_too():
    images = fill("key")
    assert np.array_equal(np.load(file_of("key")), images)


@pytest.mark.parametrize("place", [3, 200, -20, -1])
def test_one_changed_byte_is_noticed_and_the_file_removed(place):
    fill("key")
    content = bytearray(file_of("key").read_bytes())
    content[place] ^= 1
    file_of("key").write_bytes(content)
    assert cache.read_entry("key") is None
    assert not file_of("key").exists()


@pytest.mark.parametrize("size", [0, 2, 100, 400])
def test_half_an_entry_is_no_entry(size):
    fill("key")
    os.truncate(file_of("key"), size)
    assert cache.read_entry("key") is None


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ENOMEM])
def test_a_file_that_cannot_be_read_now_is_not_removed(monkeypatch, code):
    images = fill("key")

    def refuse(*_arguments, **_named):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(np, "load", refuse)
        assert cache.read_entry("key") is None
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert cache.read_entry("key") is None
    with monkeypatch.context() as patched:
        patched.setattr(os, "utime", refuse)  # the cache of somebody else
        assert np.array_equal(cache.read_entry("key").images, images)
    assert np.array_equal(cache.read_entry("key").images, images)


def test_a_reader_that_comes_while_an_entry_is_written_takes_nothing_away():
    inside, go_on = threading.Event(), threading.Event()
    images = np.ones((2, *SHAPE), dtype=np.uint8)

    def slowly(write):
        write(0, images[0])
        inside.set()
        go_on.wait(10)
        write(1, images[1])
        return (np.arange(2),)

    writer = threading.Thread(target=cache.write_entry, args=("key", 2, SHAPE, slowly))
    writer.start()
    inside.wait(10)
    assert cache.read_entry("key") is None
    go_on.set()
    writer.join()
    assert np.array_equal(cache.read_entry("key").images, images)


def test_readers_and_writers_at_once_see_all_or_nothing():
    images = fill("key", count=200)
    wrong = []

    def write():
        for _ in range(20):
            fill("key", count=200)

    def read():
        for _ in range(40):
            found = cache.read_entry("key")
            if found is None or not np.array_equal(found.images, images):
                wrong.append(found)

    threads = [threading.Thread(target=each) for each in (write, read, write, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [path.name for path in cache.cache_folder().iterdir()] == ["key.npy"]


def test_a_write_that_fails_leaves_nothing_behind():
    def fail(write):
        write(0, np.zeros(SHAPE, dtype=np.uint8))
        raise ValueError

    with pytest.raises(ValueError):
        cache.write_entry("key", 3, SHAPE, fail)
    assert list(cache.cache_folder().iterdir()) == []


def test_what_does_not_last_is_there_once_and_not_kept():
    images = np.full((2, *SHAPE), 7, dtype=np.uint8)

    def write_all(write):
        for row, image in enumerate(images):
            write(row, image)
        return (np.arange(3),)

    found = cache.write_entry("key", 2, SHAPE, write_all, lasts=lambda: False)
    assert list(cache.cache_folder().iterdir()) == []
    assert np.array_equal(found.images, images)
    assert found.known[0].tolist() == [0, 1, 2]
    assert cache.read_entry("key") is None


def test_writing_to_the_pixels_in_memory_does_not_change_the_file():
    images = fill("key")
    cache.read_entry("key").images[:] = 0
    assert np.array_equal(cache.read_entry("key").images, images)


def test_released_pages_come_from_the_file_again():
    images = fill("key")
    mapped = cache.read_entry("key").images
    mapped[0] = 7
    cache.release_pages(mapped)
    assert np.array_equal(mapped, images)  # the page with the 7s was let go
    cache.release_pages(images)


def test_what_was_used_longest_ago_goes_first():
    for age, key in enumerate(("new", "middle", "old")):
        fill(key, count=100)
        os.utime(file_of(key), (1e9 - age, 1e9 - age))
    one = cache.list_cache()[0].bytes
    assert cache.trim_cache(limit=2 * one) == ["old"]
    cache.read_entry("middle")  # counts as use
    assert [entry.key for entry in cache.list_cache()] == ["middle", "new"]
    assert cache.trim_cache(limit=one, keep="new") == ["middle"]


def test_listing_and_clearing():
    assert cache.list_cache() == []
    fill("key", count=6)
    (entry,) = cache.list_cache()
    assert (entry.key, entry.images, entry.shape) == ("key", 6, SHAPE)
    assert cache.clear_cache() == entry.bytes > 6 * 60
    assert cache.list_cache() == []


@pytest.mark.parametrize("size", [0, 3, 100, 400])
def test_half_an_entry_is_not_listed(size):
    fill("key")
    fill("whole")
    os.truncate(file_of("key"), size)
    assert "whole" in [entry.key for entry in cache.list_cache()]
    assert cache.clear_cache() > 0


def test_what_an_earlier_version_left_counts_and_goes():
    (cache.cache_folder() / "0123").mkdir(parents=True)
    (cache.cache_folder() / "0123" / "content.pixels").write_bytes(b"\0" * 10_000)
    assert cache.list_cache() == []
    fill("key")
    assert cache.trim_cache(limit=5_000) == ["content"]
    assert cache.read_entry("key") is not None
