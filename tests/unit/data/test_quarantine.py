"""Broken files: all named, none replaced, and no false alarm."""

import errno
import os
import socket
import struct
import zlib
from pathlib import Path

import pytest

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.survey import survey
from convscope.errors import DataError


def huge_png():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))


def load(folder, **options):
    return load_dataset(
        DataConfig(source=str(folder), **options), size=(16, 16), channels=3, fit="squash", seed=0
    )


@pytest.fixture
def photos(make_folder, picture, encoded, monkeypatch):
    """200 entries, 8 of them broken in 8 ways."""
    folder = make_folder({"cat": 96, "dog": 96})
    (folder / "cat" / "truncated.jpg").write_bytes(encoded(picture(900, (300, 200)), "JPEG")[:2000])
    (folder / "cat" / "empty.jpg").write_bytes(b"")
    (folder / "cat" / "page.jpg").write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    (folder / "cat" / "x.png").mkdir()
    (folder / "dog" / "locked.jpg").write_bytes(encoded(picture(901), "JPEG"))
    (folder / "dog" / "huge.png").write_bytes(huge_png())
    (folder / "dog" / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "dog" / "notes.txt").write_text("bought a camera\n")
    forbid(monkeypatch, "locked.jpg")
    return folder


def forbid(monkeypatch, name):
    """Refuse to open one file, as the system does; taking its rights away would not stop an administrator."""
    really_open = Path.open

    def refusing(path, *args, **kwargs):
        if path.name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really_open(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refusing)


def test_eight_broken_in_eight_ways_are_all_named_and_no_other(photos):
    dataset = load(photos)
    assert {entry.path: entry.reason for entry in dataset.quarantined} == {
        "cat/truncated.jpg": "cut short",
        "cat/empty.jpg": "empty",
        "cat/page.jpg": "not an image: HTML",
        "cat/x.png": "is a folder",
        "dog/locked.jpg": "cannot be read: permission denied",
        "dog/huge.png": "50,000 × 50,000 pixels are over the limit of 100 million",
        "dog/dangling.jpg": "a dangling link",
        "dog/notes.txt": "not an image: text",
    }
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 192


def test_headers_alone_already_tell_most(photos):
    seen = survey(DataConfig(source=str(photos)))
    assert len(seen.quarantined) == 7  # all but the truncated one, whose header is whole
    assert seen.class_counts == {"cat": 99, "dog": 100}


def test_broken_files_are_named_again_from_the_cache(photos):
    assert load(photos).quarantined == load(photos).quarantined


def test_more_than_five_percent_stops_unless_allowed(make_folder):
    folder = make_folder({"cat": 18, "dog": 18})
    for name in ("a.jpg", "b.jpg"):
        (folder / "cat" / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)2 of 38 .* --allow-broken"):
        load(folder)
    assert len(load(folder, allow_broken=True).quarantined) == 2


def test_pipes_and_sockets_do_not_make_it_wait(make_folder, tmp_path, monkeypatch):
    folder = make_folder({"cat": 40, "dog": 40})
    os.mkfifo(folder / "cat" / "pipe.jpg")
    monkeypatch.chdir(folder / "dog")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        quarantined = load(folder).quarantined
    assert [(entry.path, entry.reason) for entry in quarantined] == [
        ("cat/pipe.jpg", "not a regular file"),
        ("dog/socket.jpg", "not a regular file"),
    ]


def test_nothing_is_rewritten(photos):
    before = {path: path.read_bytes() for path in photos.rglob("*.png") if path.is_file()}
    load(photos)
    assert before == {path: path.read_bytes() for path in photos.rglob("*.png") if path.is_file()}


def test_what_lies_outside_the_class_folders_is_mentioned_only_when_meant_as_an_image(make_folder, picture):
    folder = make_folder({"cat": 40, "dog": 40})
    (folder / "README.md").write_text("about")
    (folder / "notes.jpg").write_text("about")
    picture(77).save(folder / "loose.png")
    assert {entry.path: entry.reason for entry in load(folder).quarantined} == {
        "notes.jpg": "not an image: text",
        "loose.png": "lies in no class folder",
    }
