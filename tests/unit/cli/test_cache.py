"""`convscope cache`: what is kept, and how it goes away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.pixels.cache import cache_folder


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def decoded(photos: Path) -> None:
    """The 48 pictures of `photos`, decoded once."""
    load_dataset(DataConfig(source=str(photos)), size=(12, 12), channels=1, fit="crop", seed=0)


def test_an_empty_cache_says_so_and_where_it_would_be(convscope: Callable[..., Any]) -> None:
    shown = convscope("cache")
    assert shown.code == 0
    assert shown.out == f"the pixel cache is empty: {cache_folder()}\n"
    assert convscope("cache", "--json").document["entries"] == []


@pytest.mark.usefixtures("decoded")
def test_it_lists_what_was_decoded(convscope: Callable[..., Any]) -> None:
    document = convscope("cache", "--json").document
    (entry,) = document["entries"]
    assert (entry["images"], entry["shape"]) == (48, [1, 12, 12])
    assert document["bytes"] == entry["bytes"] > 48 * 12 * 12
    assert document["bytes"] == sum(path.stat().st_size for path in cache_folder().rglob("*.*"))
    shown = convscope("cache").out
    assert entry["data"] == "photos"
    assert shown.splitlines()[1].startswith("photos ")
    assert "1×12×12" in shown
    assert "convscope cache --clear" in shown


@pytest.mark.usefixtures("decoded")
def test_clear_empties_it_and_says_how_much_went(convscope: Callable[..., Any]) -> None:
    before = convscope("cache", "--json").document["bytes"]
    assert convscope("cache", "--clear", "--json").document["freed"] == before
    assert convscope("cache", "--json").document["entries"] == []
    assert not any(cache_folder().rglob("*.pixels"))
    assert convscope("cache", "--clear").out == f"the pixel cache was empty: {cache_folder()}\n"


def test_cleared_images_are_decoded_again(convscope: Callable[..., Any], photos: Path) -> None:
    def load() -> Any:
        return load_dataset(DataConfig(source=str(photos)), size=(12, 12), channels=1, fit="crop", seed=0)

    before = load().train.images.all()
    convscope("cache", "--clear")
    assert load().train.images.all().equal(before)
    assert len(convscope("cache", "--json").document["entries"]) == 1
