import errno
import gzip
import io
import os
import tarfile
import tempfile
import zipfile

import pytest
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.pixels.reading import read_files
from convscope.data.quarantine import BrokenImage
from convscope.data.sources import archive, bombs, open_source
from convscope.errors import DataError


def opened(path):
    return open_source(DataConfig(source=str(path)))


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def make_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = content
                file.addfile(member)
    return path


def pack(path, members):
    """Make what the file's name says."""
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz"}.get(path.suffix.casefold(), "w")
    return make_zip(path, members) if path.suffix == ".zip" else make_tar(path, members, mode)


@pytest.fixture
def members(picture, encoded):
    return {
        f"{name}/{index}.png": encoded(picture(10 * len(name) + index))
        for name in ("cat", "kitten")
        for index in range(3)
    }


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar", "photos.tar.gz", "photos.tgz", "photos.tar.xz"])
@pytest.mark.parametrize("around", ["", "photos/", "./"])
def test_every_kind_gives_the_same_items_and_bytes(tmp_path, members, name, around):
    wrapped = {around + path: content for path, content in members.items()}
    source = opened(pack(tmp_path / name, wrapped))
    assert source.name == "photos"
    assert source.class_names == ("cat", "kitten")
    assert {item.id: item.read() for item in source.items} == members
    assert source.items[0].read(8) == members["cat/0.png"][:8]


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tgz", ".tar.gz", ".TAR.XZ"])
def test_split_archives_in_a_folder_are_its_splits(tmp_path, members, suffix):
    for split in ("train", "test"):
        pack(tmp_path / f"{split}{suffix}", members)
    source = opened(tmp_path)
    assert {(item.split, item.id.split("/")[0]) for item in source.items} == {
        ("train", "train"),
        ("test", "test"),
    }
    assert source.class_names == ("cat", "kitten")


def test_runs_beside_split_archives_do_not_hide_them(tmp_path, members):
    for split in ("train", "test"):
        make_zip(tmp_path / f"{split}.zip", members)
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "config.json").write_text('{"network": {}, "preprocessing": {}}')
    (tmp_path / "x-samples.png").write_bytes(b"x")
    source = opened(tmp_path)
    assert {item.split for item in source.items} == {"train", "test"}
    assert source.notes == ("passed over, being convscope's own: runs/, x-samples.png",)


@pytest.mark.parametrize(
    "name", ["../evil.png", "cat/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\e"]
)
def test_path_that_leaves_the_archive_is_refused(tmp_path, members, name):
    evil = {**members, name: b"x"}
    for path in (make_zip(tmp_path / "a.zip", evil), make_tar(tmp_path / "a.tar", evil)):
        with pytest.raises(DataError, match="a path that leaves it"):
            opened(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.tar", "a.zip"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_not_followed(tmp_path, members, kind):
    secret = tmp_path / "secret.png"
    secret.write_bytes(members["cat/0.png"])
    source = opened(make_tar(tmp_path / "a.tar", {**members, "cat/link.png": (kind, str(secret))}))
    assert len(source.items) == len(members)
    assert [(e.path, e.reason) for e in source.quarantined] == [("cat/link.png", "a link inside an archive")]


def test_links_in_a_zip_are_not_followed(tmp_path, members):
    path = make_zip(tmp_path / "a.zip", members)
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("cat/link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    source = opened(path)
    assert len(source.items) == len(members)
    assert source.quarantined[0].reason == "a link inside an archive"


def test_zip_bomb_is_refused_before_it_is_read(tmp_path):
    path = make_zip(tmp_path / "bomb.zip", {f"cat/{index}.png": b"\0" * (40 << 20) for index in range(2)})
    with pytest.raises(DataError, match="refused as a bomb"):
        opened(path)


def test_gzip_bomb_is_refused_while_it_unpacks(tmp_path):
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(70):
            file.write(b"\0" * (1 << 20))
    with pytest.raises(DataError, match="refused as a bomb"):
        opened(path)


def flat_pictures(kind):
    for number in range(12):
        file = io.BytesIO()
        Image.new("RGB", (600, 500), (number, 90, 200)).save(file, kind)
        yield f"{'cat' if number % 2 else 'dog'}/{number}.{kind.lower()}", file.getvalue()


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TIFF"])
@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_flat_bitmaps_that_pack_to_a_thousandth_are_no_bomb(tmp_path, monkeypatch, kind, suffix):
    monkeypatch.setattr(bombs, "SMALL", 1 << 20)
    path = tmp_path / f"flat{suffix}"
    pictures = dict(flat_pictures(kind))
    if suffix == ".zip":
        make_zip(path, pictures)
    else:
        make_tar(path, pictures, mode=f"w:{suffix.rpartition('.')[2]}")
    assert path.stat().st_size * 500 < sum(map(len, pictures.values()))
    source = opened(path)
    assert len(source.items) == 12
    assert source.items[3].read() == pictures[source.items[3].id]


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize("head", [b"BM", b"P6 10 10 255\n", b"\x89PNG\r\n\x1a\n", b"II*\0"])
def test_zeros_that_begin_like_a_picture_are_a_bomb(tmp_path, monkeypatch, suffix, head):
    monkeypatch.setattr(bombs, "SMALL", 1 << 20)
    path = tmp_path / f"bomb{suffix}"
    members = {f"cat/{number}.bmp": head + b"\0" * (4 << 20) for number in range(2)}
    if suffix == ".zip":
        make_zip(path, members)
    else:
        make_tar(path, members, mode="w:gz")
    with pytest.raises(DataError, match="refused as a bomb"):
        opened(path)


def test_too_many_members_are_refused(tmp_path, members, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    for path in (make_zip(tmp_path / "a.zip", members), make_tar(tmp_path / "a.tar", members)):
        with pytest.raises(DataError, match="more than 5 files"):
            opened(path)


def test_damaged_member_is_broken_and_the_others_are_not(tmp_path, members):
    path = make_zip(tmp_path / "a.zip", members)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("cat/1.png").header_offset + 200
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    items = {item.id: item for item in opened(path).items}
    with pytest.raises(BrokenImage, match="damaged in the archive"):
        items["cat/1.png"].read()
    assert items["cat/2.png"].read() == members["cat/2.png"]


def test_a_member_that_cannot_be_read_is_named_with_the_reason(tmp_path, members, monkeypatch):
    source = opened(make_tar(tmp_path / "photos.tar", members))

    def refuse(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", refuse)
    assert [each.reason for each in read_files(source.items).quarantined] == [
        "cannot be read: input/output error"
    ] * len(members)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_file_that_is_no_archive_is_said_to_be_none(tmp_path, name):
    (tmp_path / name).write_text("no archive")
    with pytest.raises(DataError, match="no archive that can be read"):
        opened(tmp_path / name)


def test_cut_archive_is_said_to_be_cut(tmp_path, members):
    path = make_tar(tmp_path / "a.tar.gz", members, "w:gz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="Download or pack it again"):
        opened(path)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, of this test alone."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_without_room_to_unpack_an_archive_the_folder_is_named(tmp_path, members, monkeypatch, temporary):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match=r"a\.tar\.gz cannot be unpacked: .*no room.*TMPDIR=FOLDER") as caught:
        opened(pack(tmp_path / "a.tar.gz", members))
    assert str(temporary) in str(caught.value)


def test_without_a_temporary_folder_only_what_needs_none_is_read(tmp_path, members, monkeypatch):
    def nowhere():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert len(opened(pack(tmp_path / "a.tar", members)).items) == len(members)
    with pytest.raises(DataError, match=r"no temporary folder that can be written to.*TMPDIR=FOLDER"):
        opened(pack(tmp_path / "a.tar.gz", members))


def zip_with_raw_name(path, name, members):
    """A zip in which one name is the given bytes; zipfile itself writes UTF-8 or ASCII only."""
    placeholder = f"cat/{'x' * (len(name) - 8)}.png"
    make_zip(path, {placeholder: members["cat/0.png"], "dog/1.png": members["cat/1.png"]})
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), name))
    return path


@pytest.mark.parametrize(
    ("written", "name", "noted"),
    [
        ("cat/Kätzchen.png".encode(), "cat/Kätzchen.png", False),
        ("cat/子猫.png".encode(), "cat/子猫.png", False),
        ("cat/K\xe4tzchen.png".encode("latin-1"), "cat/KΣtzchen.png", True),
        (b"cat/plain.png", "cat/plain.png", False),
    ],
)
def test_names_in_zips_are_read_as_they_were_written(tmp_path, members, written, name, noted):
    source = opened(zip_with_raw_name(tmp_path / "a.zip", written, members))
    assert source.items[0].id == name
    assert source.items[0].read() == members["cat/0.png"]
    assert [note for note in source.notes if "garbled" in note] == (
        [f"1 name is not in UTF-8 and may look garbled: {name}. Pack it again to mend that."] if noted else []
    )


def test_name_beside_the_name_counts_in_zips(tmp_path, members):
    import struct
    import zlib

    raw, name = "cat/Katze\x84.png".encode("latin-1"), "cat/Katzeä.png"
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("cat/Katze?.png")
        field = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
        info.extra = struct.pack("<HH", 0x7075, len(field)) + field
        file.writestr(info, members["cat/0.png"])
        file.writestr("dog/1.png", members["cat/1.png"])
    path.write_bytes(path.read_bytes().replace(b"cat/Katze?.png", raw))
    source = opened(path)
    assert source.items[0].id == name
    assert source.items[0].read() == members["cat/0.png"]
    assert source.notes == ()


@pytest.mark.parametrize("kind", ["a.zip", "a.tar"])
def test_names_that_would_act_on_a_terminal_are_escaped(tmp_path, members, kind):
    named = {"cat/a\x1b[31m.png": members["cat/0.png"], "d\nog/1.png": members["cat/1.png"]}
    source = opened((make_zip if kind == "a.zip" else make_tar)(tmp_path / kind, named))
    assert [item.id for item in source.items] == ["cat/a\\x1b[31m.png", "d\\x0aog/1.png"]
    assert source.class_names == ("cat", "d\\x0aog")
    assert source.items[0].read() == members["cat/0.png"]
