import os
import threading

import numpy as np
import pytest

from convscope.data.pixels import cache

SHAPE = (3, 4, 5)


def fill(key, count=6, order="content", start=0):
    images = np.random.default_rng(start).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    with cache.new_rows(key, order, np.arange(count), SHAPE) as writer:
        for row in reversed(range(count)):
            writer.write(row, images[row])
    return images


def test_what_was_written_is_mapped(tmp_path):
    images = fill("key")
    rows = cache.open_rows("key", "content")
    assert np.array_equal(rows.images, images)
    assert rows.contents.tolist() == list(range(6))
    assert isinstance(rows.images, np.memmap)
    assert cache.open_rows("key", "other") is None
    assert cache.open_rows("other", "content") is None


def test_one_changed_byte_is_noticed_and_the_file_removed():
    fill("key")
    path = cache.cache_folder() / "key" / "content.pixels"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert cache.open_rows("key", "content") is None
    assert not path.exists()


@pytest.mark.parametrize("damage", ["cut", "side file gone", "side file garbage"])
def test_half_an_entry_is_no_entry(damage):
    fill("key")
    folder = cache.cache_folder() / "key"
    if damage == "cut":
        os.truncate(folder / "content.pixels", 100)
    elif damage == "side file gone":
        (folder / "content.npz").unlink()
    else:
        (folder / "content.npz").write_bytes(b"PK\x03\x04 garbage")
    assert cache.open_rows("key", "content") is None


def test_a_write_that_fails_leaves_nothing_behind():
    with pytest.raises(ValueError), cache.new_rows("key", "content", np.arange(3), SHAPE) as writer:
        writer.write(0, np.frombuffer(b"bytes", dtype=np.uint16))
    assert list((cache.cache_folder() / "key").iterdir()) == []


def test_writing_to_the_pixels_in_memory_does_not_change_the_file():
    images = fill("key")
    cache.open_rows("key", "content").images[:] = 0
    assert np.array_equal(cache.open_rows("key", "content").images, images)


def test_released_pages_come_from_the_file_again():
    images = fill("key")
    mapped = cache.open_rows("key", "content").images
    mapped[0] = 7
    cache.release_pages(mapped)
    assert np.array_equal(mapped, images)  # the page with the 7s was let go
    cache.release_pages(images)


def test_two_at_once_both_end_with_the_whole():
    threads = [threading.Thread(target=fill, args=("key", 200)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache.open_rows("key", "content").images) == 200
    assert {path.name for path in (cache.cache_folder() / "key").iterdir()} == {
        "content.pixels",
        "content.npz",
    }


def test_what_was_used_longest_ago_goes_first():
    for age, key in enumerate(("new", "middle", "old")):
        fill(key, count=100)
        for path in (cache.cache_folder() / key).iterdir():
            os.utime(path, (1e9 - age, 1e9 - age))
    one = cache.list_cache()[0].bytes
    assert cache.trim_cache(limit=2 * one) == ["old"]
    cache.open_rows("middle", "content")  # counts as use
    assert [entry.key for entry in cache.list_cache()] == ["middle", "new"]
    assert cache.trim_cache(limit=one, keep="new") == ["middle"]


def test_listing_and_clearing():
    assert cache.list_cache() == []
    fill("key", count=6)
    (entry,) = cache.list_cache()
    assert (entry.key, entry.images, entry.shape) == ("key", 6, SHAPE)
    assert cache.clear_cache() == entry.bytes > 6 * 60
    assert cache.list_cache() == []


def test_index_survives_only_whole():
    cache.write_index("key", reasons=np.asarray(["", "cut short"]))
    assert cache.read_index("key")["reasons"].tolist() == ["", "cut short"]
    (cache.cache_folder() / "key" / "index.npz").write_bytes(b"PK")
    assert cache.read_index("key") is None
