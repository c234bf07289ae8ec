"""Images made on the spot: smooth random pictures, no two alike, each the same for the same number."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def _picture(number: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    coarse = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def _encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """Number and (width, height) → an RGB picture."""
    return _picture


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Picture, format and options of Pillow's → bytes of a file."""
    return _encoded


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Class names (or split/class) with counts → an image folder, pictures numbered through from `first`."""

    def make(counts: dict[str, int], name: str = "photos", first: int = 0) -> Path:
        number = first
        for folder, count in counts.items():
            (tmp_path / name / folder).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                path = tmp_path / name / folder / f"{index:03d}.png"
                path.write_bytes(_encoded(_picture(number)))
                number += 1
        return tmp_path / name

    return make
