"""`convscope benchmark`: what is said, what is kept, what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convscope.benchmarking.peak import Peak
from convscope.benchmarking.rounds import Quietness
from convscope.cli.benchmark import parse_sizes
from convscope.cli.timings import quiet_said
from convscope.errors import UsageError

SMALL = ("two-conv", "--batches", "2", "--burn-in", "1", "--threads", "1", "--precision", "float32")


@pytest.fixture(autouse=True)
def quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = Peak(gflops=100.0, side=512)
    monkeypatch.setattr("convscope.benchmarking.benchmark.measure_peak", lambda *_: peak)
    monkeypatch.setattr("convscope.benchmarking.load.STAT", Path("no-such-file"))


def test_json_is_one_document_with_each_size(convscope: Callable[..., Any]) -> None:
    outcome = convscope("benchmark", *SMALL, "--batch-sizes", "1,2", "--json")

    assert outcome.code == 0
    document = outcome.document
    assert document["peak_gflops"] == 100
    assert [size["batch_size"] for size in document["sizes"]] == [1, 2]
    for direction in ("forward", "forward_backward"):
        assert {"mean", "sd", "median", "images_per_second", "share_of_peak"} <= document["sizes"][0][
            direction
        ].keys()


def test_the_table_says_how_it_computes_and_that_the_load_is_not_known(
    convscope: Callable[..., Any],
) -> None:
    said = convscope("benchmark", *SMALL, "--batch-sizes", "2").out

    assert "float32, channels-last, 1 thread" in said
    assert "100 GFLOP/s" in said
    assert "forward and backward" in said
    assert "what others took of the CPU time is not known" in said


def test_a_kept_result_is_drawn_beside_another(convscope: Callable[..., Any], tmp_path: Path) -> None:
    kept = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in kept:
        assert convscope("benchmark", *SMALL, "--batch-sizes", "1-3", "--output", path).code == 0
    picture = tmp_path / "both.svg"

    outcome = convscope("benchmark", "--compare", *kept, "--picture", picture)

    assert outcome.code == 0
    assert "times as long" in outcome.out
    drawn = picture.read_text()
    assert "two-conv: seconds for a batch" in drawn
    assert "source" not in drawn  # it timed vgg16


def test_against_another_way_the_word_faster_needs_an_interval(convscope: Callable[..., Any]) -> None:
    said = convscope("benchmark", *SMALL, "--batch-sizes", "1", "--against", "channels-first").out

    assert said.count("too few rounds for an interval") == 2
    assert "faster" not in said


def test_a_run_is_timed_on_images_of_its_own_size(convscope: Callable[..., Any], trained: Path) -> None:
    outcome = convscope(
        "benchmark", trained, "--batch-sizes", "1", "--batches", "1", "--burn-in", "0", "--json"
    )

    assert outcome.document["image"] == [1, 12, 12]


@pytest.mark.parametrize(
    ("quietness", "said"),
    [
        (Quietness(rounds=3, repeated=0, disturbed=0, others=0.02), "3 rounds, none repeated; others took 2"),
        (Quietness(rounds=1, repeated=2, disturbed=0, others=0.0), "1 round, 2 repeated; others took 0 %"),
        (
            Quietness(rounds=4, repeated=4, disturbed=3, others=0.41),
            "the machine never became quiet: after 4 repeats others took more than 5 % of the CPU time in 3 "
            "of 4 rounds, up to 41 %",
        ),
    ],
)
def test_how_quiet_it_was_is_said_plainly(quietness: Quietness, said: str) -> None:
    assert quiet_said(quietness).startswith(said)


@pytest.mark.parametrize(
    ("text", "sizes"), [("1,2", (1, 2)), ("1-3", (1, 2, 3)), ("8, 1–2", (8, 1, 2)), ("2,1-3", (2, 1, 3))]
)
def test_batch_sizes_are_a_list_and_ranges(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize("text", ["", "0", "1-", "3-1", "1,,2", "a", "1.5", "-1", "1-999999999999", "9" * 30])
def test_what_are_no_batch_sizes_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--batch-sizes"):
        parse_sizes(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "benchmark what?"),
        (("vgg61",), "there is no network 'vgg61'; did you mean vgg"),
        (("two-conv", "--batches", "0"), "--batches: 0 must be at least 1"),
        (("two-conv", "--burn-in", "-1"), "--burn-in: -1 must be at least 0"),
        (("two-conv", "--output", "a.txt"), "is not a .json file"),
        (("two-conv", "--output", "no/where.json"), "is in a folder that does not exist"),
        (("two-conv", "--picture", "a.gif"), "neither a .png nor a .svg"),
        (("two-conv", "--against", "faster"), "'faster' is not a way to compute"),
        (("two-conv", "--against", "channels-last"), "channels-last is what is timed already"),
        (("counter", "--batch-sizes", "1"), "batches of 1 leave batch normalisation one value to measure"),
        (("two-conv", "--device", "gpu"), "'gpu' is not a device"),
        (("vgg16", "--compare", "a.json"), "--compare takes results that were kept, and no network"),
        (("--compare", "none.json"), "none.json cannot be read"),
    ],
)
def test_what_cannot_be_timed_is_refused_before_anything_is(
    convscope: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    outcome = convscope("benchmark", *arguments)

    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())
    assert outcome.out == ""


def test_a_result_that_cannot_be_kept_is_printed_all_the_same(
    convscope: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convscope.runs.atomic.write_file", refuse)

    output = tmp_path / "a.json"
    outcome = convscope("benchmark", *SMALL, "--batch-sizes", "1", "--json", "--output", output)

    assert json.loads(outcome.out)["network"] == "two-conv"
    assert "the result was not kept: No space left on device" in outcome.err
    assert "--compare" not in convscope("benchmark", *SMALL, "--batch-sizes", "1", "--output", output).out
