"""What a run can be called."""

from pathlib import Path

import pytest

from convscope.config.asked import ExperimentConfig
from convscope.errors import UsageError
from convscope.runs.folder import Run, check_free


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no name"),
        ("   ", "no name"),
        ("a/b", "--runs"),
        ("../a", "--runs"),
        ("a\\b", "--runs"),
        ("/", "--runs"),
        ("-a", "'-'"),
        (".", "'.'"),
        ("..", "'.'"),
        (".hidden", "'.'"),
        ("a.", "dot"),
        (" a", "space"),
        ("a\n", "no terminal shows"),
        ("a\x1b[31m", "no terminal shows"),
        ("caf\udce9", "no terminal shows"),
        ("x" * 300, "300 bytes"),
        ("ü" * 150, "300 bytes"),
    ],
)
def test_a_name_that_makes_trouble_later_is_refused_with_its_reason(
    tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(UsageError, match="Choose another --name") as refused:
        Run.create(tmp_path, ExperimentConfig(), data_name="d", name=name)
    assert why in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "2024-05 first try", "kätzchen_猫", "v1.2", "a=b,c"])
def test_other_names_are_taken_once(tmp_path: Path, name: str) -> None:
    assert Run.create(tmp_path, ExperimentConfig(), data_name="d", name=name).path == tmp_path / name
    with pytest.raises(UsageError, match="exists already"):
        check_free(tmp_path, name)
