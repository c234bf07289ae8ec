import ast
import itertools
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import convscope
from convscope.wording import (
    apart,
    between,
    clock,
    command,
    duration,
    here,
    listed,
    meant,
    near,
    percent,
    rounded,
    shown,
    size,
    some,
    some_do,
    times,
)


@pytest.mark.parametrize(
    ("share", "decimals", "said"),
    [
        (0.935, 1, "93.5 %"),
        (0.5, 0, "50 %"),
        (0.12, None, "12 %"),
        (0.004, None, "0.4 %"),
        (5.73, None, "573 %"),
        (0.0, 1, "0.0 %"),
        (1.0, 1, "100.0 %"),
        (-0.032, 1, "−3.2 %"),
        (float("nan"), 1, "–"),
        (None, None, "–"),
    ],
)
def test_a_share_is_said_in_per_cent(share, decimals, said):
    assert percent(share, decimals) == said


@pytest.mark.parametrize("decimals", [None, 0, 1, 2])
@pytest.mark.parametrize("share", [0.9999999, 0.99999, 0.9996, 0.004, 0.0004, 1e-9])
def test_a_share_is_never_none_or_all_where_it_is_not(share, decimals):
    said = percent(share, decimals)
    assert said not in ("0 %", "0.0 %", "0.00 %", "100 %", "100.0 %", "100.00 %")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.000123456, "0.000123"),
        (1.23e-7, "1.23e-07"),
        (-4.5, "−4.5"),
        (-1.2e-7, "−1.2e-07"),
        (21000.4, "21,000"),
        (0, "0"),
        (float("nan"), "–"),
    ],
)
def test_small_numbers_keep_their_digits(value, said):
    assert rounded(value) == said


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (123.4, 2, "120"),
        (99.4, 2, "99"),
        (99.7, 2, "100"),
        (-99.7, 2, "−100"),
        (999.4, 3, "999"),
        (999.7, 3, "1,000"),
        (999.7, 4, "999.7"),
        (7.6, 1, "8"),
        (1234, 2, "1,234"),
        (1.2e17, 3, "1.2e+17"),
    ],
)
def test_numbers_of_every_day_have_no_exponent(value, digits, said):
    assert rounded(value, digits) == said


def test_ends_of_an_interval_stay_apart():
    assert between(0.1234, 0.5) == "0.123–0.5"
    assert between(-3.9, 10.4) == "−3.9 to 10.4"
    assert between(0.00120001, 0.00120002) == "0.00120001–0.00120002"
    assert between(float("nan"), float("nan")) == "–––"
    assert apart([99.99], 1, edges=(100.0,)) == ["99.99"]


def test_amounts_have_their_plural():
    assert some(1, "epoch") == "1 epoch"
    assert some(2, "epoch") == "2 epochs"
    assert some(1200, "class", "classes") == "1,200 classes"
    assert some_do(1, "image", "stands") == "1 image stands"
    assert some_do(2000, "image", "stands") == "2,000 images stand"
    assert [times(1), times(3)] == ["once", "3 times"]
    assert listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"


@pytest.mark.parametrize(
    ("seconds", "said", "left"),
    [
        (0, "0.0 s", "0:00"),
        (0.004, "0.004 s", "0:00"),
        (3.21, "3.2 s", "0:03"),
        (59.97, "1 min 00 s", "1:00"),
        (125, "2 min 05 s", "2:05"),
        (3599.7, "1 h 00 min", "1:00:00"),
        (3845, "1 h 04 min", "1:04:05"),
        (200_000, "2 d 8 h", "55:33:20"),
    ],
)
def test_durations(seconds, said, left):
    assert duration(seconds) == said
    assert clock(seconds) == left


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (812, "812 bytes"),
        (3400, "3.4 kB"),
        (999_700, "1.0 MB"),
        (2_000_000_000, "2.0 GB"),
        (45e12, "45.0 TB"),
    ],
)
def test_sizes(count, said):
    assert size(count) == said


def test_near_misses_do_not_mind_capitals():
    assert near("MNST", ["digits", "mnist"]) == ["mnist"]
    assert meant(near("vgg61", ["vgg16", "linear"])) == "did you mean vgg16?"
    assert meant(near("xyz", ["vgg16"]), "there is only vgg16") == "there is only vgg16"


def test_paths_are_said_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert here(tmp_path / "runs" / "a") == "runs/a"
    assert here(tmp_path.parent / "b") == str(tmp_path.parent / "b")
    assert here(Path("runs/a\x1b[31m")) == "runs/a\\x1b[31m"


@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", "$(reboot)", "a\x1b[31mb\n'\\", "caf\udce9 é\x9b", "-dash", ""]
)
def test_a_command_can_be_pasted_whatever_the_names(name):
    line = command("printf", "%s", name)
    assert shown(line) == line
    done = subprocess.run(["bash", "-c", line], capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True)
    assert os.fsdecode(done.stdout) == name


def test_no_message_puts_a_name_into_a_command_unquoted():
    found = [
        f"{path.name}:{node.lineno}"
        for path in Path(convscope.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        for before, after in itertools.pairwise(node.values)
        if isinstance(before, ast.Constant)
        and isinstance(after, ast.FormattedValue)
        and re.search(r"convscope (?!\{)[a-z-]+ (\S+ )*\S*$", str(before.value))
        and not ast.unparse(after.value).startswith("command(")
    ]
    assert found == []


def test_a_path_in_a_command_is_no_option():
    assert command("convscope", "look", Path("-run")) == "convscope look ./-run"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Kätzchen 猫 🐈.jpg", "Kätzchen 猫 🐈.jpg"),
        (os.fsdecode(b"caf\xe9.png"), "caf\\xe9.png"),
        ("a\x1b[31mb\n\tc\x7f\x9b", "a\\x1b[31mb\\x0a\\x09c\\x7f\\x9b"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("half \ud83d", "half \\ud83d"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_names_are_shown_and_written_safely(name, said):
    assert shown(name) == said
    assert shown(said) == said
    json.dumps(shown(name), ensure_ascii=False).encode("utf-8")
