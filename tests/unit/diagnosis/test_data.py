"""What an audit concludes, and what it says to do next: not to train on what would stop or flatter it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.auditing.audit import audit
from convscope.diagnosis.data import audited, next_step
from convscope.diagnosis.finding import Finding


def pictures(folder: Path, count: int, first: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng(first + number).integers(0, 255, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")


@pytest.fixture
def split_folder(tmp_path: Path) -> Path:
    """`train/` and `test/`, two classes in each."""
    for place, part in enumerate(("train/ant", "train/bee", "test/ant", "test/bee")):
        pictures(tmp_path / "set" / part, 10, 100 * place)
    return tmp_path / "set"


def findings_of(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in audited(audit(DataConfig(source=str(folder))))}


def test_sound_data_have_no_finding_and_train_comes_next(split_folder: Path) -> None:
    assert findings_of(split_folder) == {}
    assert next_step([], "my photos") == "convscope train 'my photos'"


def test_leaks_are_mended_before_training(split_folder: Path) -> None:
    for number in range(3):
        content = (split_folder / "train" / "ant" / f"{number}.png").read_bytes()
        (split_folder / "test" / "ant" / f"copy{number}.png").write_bytes(content)
    found = findings_of(split_folder)
    assert found["leaks"].severity == "error"
    assert found["leaks"].sentence.startswith("3 images stand in two splits")
    said = next_step(list(found.values()), "set")
    assert said.startswith("Take such images out of the training split")
    assert "convscope train" not in said


@pytest.mark.parametrize(("broken", "severity"), [(1, "warning"), (2, "warning"), (3, "error")])
def test_more_broken_files_than_train_accepts_are_an_error(
    split_folder: Path, broken: int, severity: str
) -> None:
    """Of 40 or so files, 5 % are two."""
    for number in range(broken):
        (split_folder / "train" / "bee" / f"broken{number}.png").write_bytes(b"not an image")
    found = findings_of(split_folder)
    assert found["broken"].severity == severity
    assert ("--allow-broken" in next_step(list(found.values()), "set")) == (severity == "error")


def test_one_image_in_two_classes_is_a_wrong_label(split_folder: Path) -> None:
    content = (split_folder / "train" / "ant" / "0.png").read_bytes()
    (split_folder / "train" / "bee" / "same.png").write_bytes(content)
    found = findings_of(split_folder)
    assert found["conflicts"].severity == "warning"
    assert "one label is wrong" in found["conflicts"].sentence


def test_uneven_classes_are_noted_with_what_helps(tmp_path: Path) -> None:
    pictures(tmp_path / "set" / "ant", 30, 0)
    pictures(tmp_path / "set" / "bee", 3, 1000)
    found = findings_of(tmp_path / "set")
    assert found["uneven"].severity == "note"
    assert "--balance" in found["uneven"].advice
