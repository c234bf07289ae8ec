"""Pictures of images that a reader chose: one does not overwrite another's, and the same is found again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from convscope.cli.main import run as run_command


@pytest.fixture
def looked(run: Path, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Flags of a look at a copy of the run → each picture in its index with its heading."""
    copy = Path(shutil.copytree(run, tmp_path / run.name))

    def look(*flags: object) -> dict[str, str]:
        assert run_command(["look", str(copy), "--only", "where", *map(str, flags)]) == 0
        entries = json.loads((copy / "look" / "index.json").read_text())
        assert all((copy / "look" / entry["file"]).is_file() for entry in entries)
        return {entry["file"]: entry["title"] for entry in entries if "right" not in entry["file"]}

    return look


def picture(path: Path, level: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (16, 16), level).save(path)
    return path


def test_a_second_image_keeps_the_firsts_picture(
    looked: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    looked("--image", picture(tmp_path / "a" / "cat.png", 40))
    assert looked("--image", picture(tmp_path / "a" / "dog.png", 90)) == {
        "where-cat.svg": "Where it looks in cat.png",
        "where-dog.svg": "Where it looks in dog.png",
    }


def test_two_images_of_one_name_get_a_picture_each_and_the_same_image_its_own_again(
    looked: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    first, second = picture(tmp_path / "a" / "1.png", 40), picture(tmp_path / "b" / "1.png", 90)
    looked("--image", first)
    assert set(looked("--image", second)) == {"where-1.svg", "where-1-2.svg"}
    assert set(looked("--image", first)) == {"where-1.svg", "where-1-2.svg"}


def test_another_class_asked_about_is_another_picture(
    looked: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    image = picture(tmp_path / "a" / "x.png", 40)
    looked("--image", image, "--class", "lying")
    assert set(looked("--image", image, "--class", "standing")) == {"where-x.svg", "where-x-2.svg"}


@pytest.mark.parametrize("repeated", [False, True])
def test_two_images_at_once_share_a_picture_however_they_are_given(
    looked: Callable[..., dict[str, str]], tmp_path: Path, repeated: bool
) -> None:
    first, second = (picture(tmp_path / "a" / f"{name}.png", level) for name, level in (("x", 40), ("y", 90)))
    flags = ["--image", first, "--image", second] if repeated else ["--image", first, second]
    assert looked(*flags) == {"where-x-y.svg": "Where it looks in x.png and y.png"}
