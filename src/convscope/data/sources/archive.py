"""An image folder inside a .zip or .tar: read member by member, never unpacked to named files.

No path of an archive is ever opened or made on the disk, so none can leave a target. A member whose name
tries to is taken as an attack and the archive refused; links are quarantined; count and size are capped
before anything is read.
"""

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

from convscope.data.quarantine import Quarantined
from convscope.data.sources.arranging import arrange
from convscope.data.sources.bombs import MOST_UNPACKED, allowance, announces, refuse, unpack_tar
from convscope.data.sources.contents import FileSlice, SharedFile, ZipMember
from convscope.data.sources.source import Content, FileSource
from convscope.data.sources.tree import Parts, Tree, is_ignored
from convscope.errors import FULL, DataError
from convscope.wording import here, listed, shown, some

MOST_MEMBERS = 5_000_000
_FLAT = 50
"""Unpacked to packed size of a file that may be a bitmap of a few colours."""
_SAYS_UTF_8 = 0x800
_UNICODE_PATH = 0x7075
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_COMPRESSIONS: dict[bytes, Callable[[IO[bytes], Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive."""
    return path.name.casefold().endswith(_SUFFIXES)


def archive_stem(path: Path) -> str:
    """The name of an archive without its ending, which may have two parts: `train` of `train.tar.gz`."""
    name = path.name
    endings = [suffix for suffix in _SUFFIXES if name.casefold().endswith(suffix)]
    return name[: -len(max(endings, key=len))] if endings else name


def open_archive(path: Path, *, inner_are_groups: bool = False) -> FileSource:
    """Open an image folder inside an archive.

    Raises:
        DataError: no archive, an unsafe path inside, too many members or too large; no class folders.
    """
    name = shown(archive_stem(path)) or "images"
    return arrange(read_archive(path), name, path, inner_are_groups=inner_are_groups)


def read_archive(path: Path) -> Tree:
    """What an archive holds; its members are read when they are asked for.

    Raises:
        DataError: no archive, an unsafe path inside, too many members or too large; no room to unpack it.
    """
    with path.open("rb") as file:
        is_zip = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    try:
        return _read_zip(path) if is_zip else _read_tar(path)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        OSError,
        UnicodeError,
    ) as error:
        raise DataError(
            f"{here(path)} is no archive that can be read: {error}. Download or pack it again."
        ) from error


def _read_zip(path: Path) -> Tree:
    archive = zipfile.ZipFile(path)
    members = archive.infolist()
    _check_count(path, len(members))
    _refuse_bomb(path, archive)
    files: list[tuple[Parts, Content]] = []
    folders: set[Parts] = set()
    links: list[Quarantined] = []
    garbled: list[str] = []
    for member in members:
        name, is_sure = zip_name(member)
        parts = _parts(name, path)
        if not is_sure:
            garbled.append("/".join(parts))
        if not parts or any(map(is_ignored, parts)):
            continue
        if member.is_dir():
            folders |= _ancestors(parts)
        elif (member.external_attr >> 28) == 0xA:  # the upper half holds the Unix mode; 0xA is a link
            links.append(Quarantined("/".join(parts), "a link inside an archive"))
        else:
            files.append((parts, ZipMember(archive, member)))
    return replace(_tree(files, folders, links), notes=_garbled(garbled))


def _read_tar(path: Path) -> Tree:
    files: list[tuple[Parts, Content]] = []
    folders: set[Parts] = set()
    odd: list[Quarantined] = []
    with _without_compression(path) as plain, tarfile.open(fileobj=plain, mode="r:") as archive:
        shared = SharedFile(os.dup(plain.fileno()))
        for count, member in enumerate(archive, start=1):
            _check_count(path, count)
            parts = _parts(member.name, path)
            if not parts or any(map(is_ignored, parts)):
                continue
            if member.isdir():
                folders |= _ancestors(parts)
            elif member.isreg() and not member.issparse():
                files.append((parts, FileSlice(shared, member.offset_data, member.size)))
            else:
                kind = (
                    "a link inside an archive" if member.issym() or member.islnk() else "not a regular file"
                )
                odd.append(Quarantined("/".join(parts), kind))
    return _tree(files, folders, odd)


@contextmanager
def _without_compression(path: Path) -> Iterator[IO[bytes]]:
    """Open a tar, if need be through a nameless temporary file that vanishes when nobody holds it."""
    with path.open("rb") as file:
        opener = next((o for magic, o in _COMPRESSIONS.items() if file.peek(6).startswith(magic)), None)
        if opener is None:
            yield file
            return
        with _temporary_file(path) as plain:
            with opener(file, "rb") as packed:
                unpack_tar(packed, plain, path)
            plain.seek(0)
            yield plain


@contextmanager
def _temporary_file(path: Path) -> Iterator[IO[bytes]]:
    """To unpack an archive into.

    Raises:
        DataError: no folder for such files can be written to, or the one that was chosen has no room.
    """
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise DataError(
            f"{here(path)} cannot be unpacked: there is no temporary folder that can be written to. "
            "Make room, or name a folder that has some: TMPDIR=FOLDER"
        ) from error
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            yield file
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DataError(
            f"{here(path)} cannot be unpacked: {here(folder)} has no room for it. "
            "Make room there, or name a folder that has some: TMPDIR=FOLDER"
        ) from error


def _check_count(path: Path, members: int) -> None:
    if members > MOST_MEMBERS:
        raise DataError(
            f"{path} holds more than {MOST_MEMBERS:,} files; split it, or unpack it and give the folder."
        )


def _refuse_bomb(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to far more than images do; flat bitmaps, whose headers announce it, may."""
    members = archive.infolist()
    unpacked, most = sum(member.file_size for member in members), allowance(path)
    if unpacked <= most:
        return
    flat = [member for member in members if member.file_size > _FLAT * member.compress_size]
    honest = sum(each.file_size for each in flat if announces(ZipMember(archive, each), each.file_size))
    if unpacked > MOST_UNPACKED or unpacked - honest > most:
        raise refuse(path, unpacked)


def _parts(name: str, path: Path) -> Parts:
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or (pure.parts and pure.parts[0].endswith(":")):
        raise DataError(
            f"{here(path)} holds a path that leaves it: {shown(name)}. "
            "It is refused; pack it again without such names."
        )
    return tuple(shown(part) for part in pure.parts)


def zip_name(member: zipfile.ZipInfo) -> tuple[str, bool]:
    """The name of a member, and whether it is sure: old zips do not say how names are written.

    A field beside it may hold the name in UTF-8 (Info-ZIP's Unicode path); else it often is UTF-8 unsaid.
    """
    if member.flag_bits & _SAYS_UTF_8 or member.orig_filename.isascii():
        return member.filename, True
    raw = member.orig_filename.encode("cp437")
    beside = _unicode_path(member.extra, raw)
    if beside is not None:
        return beside, True
    try:
        return raw.decode("utf-8"), True
    except UnicodeDecodeError:
        return member.filename, False


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in Info-ZIP's field 0x7075, where it belongs to the name as it stands."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if (
            kind == _UNICODE_PATH
            and len(field) > 5
            and struct.unpack_from("<L", field, 1)[0] == zlib.crc32(raw)
        ):
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def _garbled(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    count = some(len(names), "name is", "names are")
    return (f"{count} not in UTF-8 and may look garbled: {listed(names, 3)}. Pack it again to mend that.",)


def _ancestors(parts: Parts) -> set[Parts]:
    return {parts[:length] for length in range(1, len(parts) + 1)}


def _tree(files: Iterable[tuple[Parts, Content]], folders: set[Parts], odd: Iterable[Quarantined]) -> Tree:
    files = tuple(files)
    for parts in {parts[:-1] for parts, _ in files}:
        folders |= _ancestors(parts)
    return Tree(files, frozenset(folders), tuple(odd))
