"""Which images a prediction is asked for: files, their bytes, folders of them, opened pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from convscope.data.quarantine import Quarantined
from convscope.data.sources.folder import list_files
from convscope.errors import DataError, UsageError
from convscope.wording import shown

Picture = str | Path | Image.Image | bytes
"""An image file, by its path or as its bytes, or an opened picture."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One image that a prediction is asked for.

    Attributes:
        name: its path as it can be shown; `image 3` for one that has none, counted from 0.
        picture: the file, its bytes, or the opened picture; what cannot even be opened, with its reason.
        listed: whether it was found in a folder, rather than named.
    """

    name: str
    picture: Picture | Quarantined
    listed: bool = False


def asked_pictures(pictures: Picture | Iterable[Picture]) -> Iterator[Asked]:
    """One after the other; of a folder, the files that training would look at, in natural order.

    Raises:
        UsageError: something is neither a path nor a PIL image.
    """
    if isinstance(pictures, str | Path | Image.Image | bytes):
        pictures = [pictures]
    number = 0
    for picture in pictures:
        if isinstance(picture, Image.Image | bytes):
            yield Asked(f"image {number}", picture)
            number += 1
        elif not isinstance(picture, str | os.PathLike):
            raise UsageError(
                f"a prediction is made of a path or a PIL image, not of a {type(picture).__name__}. "
                "Pixels become one with PIL.Image.fromarray(pixels)"
            )
        elif (path := Path(picture)).is_dir():
            for asked in _in_folder(path):
                yield asked
                number += 1
        else:
            yield Asked(shown(str(path)), path)
            number += 1


def _in_folder(folder: Path) -> Iterator[Asked]:
    try:
        files, unreadable = list_files(folder)
    except DataError as error:
        yield Asked(shown(str(folder)), Quarantined(shown(str(folder)), str(error)))
        return
    if not files and not unreadable:
        yield Asked(shown(str(folder)), Quarantined(shown(str(folder)), "a folder without files"))
    yield from (Asked(shown(str(path)), path, listed=True) for path in files)
    for entry in unreadable:
        where = f"{shown(str(folder))}/{entry.path}"
        yield Asked(where, Quarantined(where, entry.reason), listed=True)
