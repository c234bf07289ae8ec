"""Screens of 20 to 120 columns: nothing runs over, no command is broken, the time left is always there."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from convscope import evaluate
from convscope.cli import watching
from convscope.cli.output import result_console
from convscope.cli.progress_line import progress_line
from convscope.cli.results import print_after_training, print_evaluation, print_summary
from convscope.cli.screen import print_columns, print_line, print_message, print_table, print_whole
from convscope.cli.watching import Watcher
from convscope.training.progress import Choice
from convscope.work import working

WIDTHS = [20, 60, 80, 120]


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_end_of_a_training_fits_and_its_commands_are_whole(trained: Path, width: int) -> None:
    console = terminal(width)
    print_summary(console, json.loads((trained / "summary.json").read_text()))
    print_after_training(console, Path("runs/a"), Path("runs/a/report.html"))
    lines = lines_of(console)
    text = "\n".join(lines)
    assert "convscope predict runs/a new.jpg" in text
    assert "runs/a/report.html" in text
    if width >= 60:
        assert max(map(len, lines)) <= width
        labelled = [line for line in lines if not line.startswith(" ")]
        assert all(line[13] == " " and line[14] != " " for line in labelled if len(line) > 14)
        assert all(line.startswith(" " * 14) for line in lines if line.startswith(" "))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_an_evaluation_fits(trained: Path, width: int) -> None:
    console = terminal(width)
    print_evaluation(console, "test", evaluate(trained))
    assert max(map(len, lines_of(console))) <= width


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 200])
@pytest.mark.parametrize("left", ["0:22 left", "12:34:56 left", "– left"])
def test_one_line_of_progress_has_the_time_left_at_every_width(width: int, left: str) -> None:
    figures = ["validation 93.5 %", "loss 0.212", "1,048 images/s"]
    console = terminal(width)
    console.print(progress_line(width, "epoch 12/15", 1500, 1234, left, figures))
    [line] = lines_of(console)
    assert len(line.rstrip()) <= width
    assert line.rstrip().endswith(left)
    assert "epoch 12/15" in line
    assert line.count("━") >= 8  # of ten or more, as 82 % is done
    if width >= 100:
        assert figures[-1] in line


def test_on_a_very_narrow_terminal_progress_stays_one_line() -> None:
    console = terminal(20)
    console.print(progress_line(20, "epoch 1/9", 90, 3, "0:22 left", ["validation 93.5 %"]))
    [line] = lines_of(console)
    assert len(line) <= 20


def test_long_words_in_narrow_columns_are_folded_not_cut() -> None:
    console = terminal(30)
    print_table(console, ("image", "class"), [("x" * 40, "cat")])
    print_columns(console, [("name", "words " * 12)])
    text = "".join(lines_of(console))
    assert text.count("x") == 40
    assert text.count("words") == 12
    assert max(map(len, lines_of(console))) <= 30


def test_a_pipe_gets_every_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    console = result_console()
    print_line(console, "label", "value " * 30, "reason " * 30)
    print_whole(console, "next", "convscope " + "x" * 100, "convscope two")
    print_table(console, ("image", "class"), [("x" * 100, "cat")])
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize("width", WIDTHS)
def test_an_error_is_wrapped_between_words_and_its_command_left_whole(width: int) -> None:
    console = terminal(width)
    print_message(
        console, "error: " + "seven words that are said of it " * 4 + "\nGo on with: convscope a 'b c' d"
    )
    lines = lines_of(console)
    assert "Go on with: convscope a 'b c' d" in lines
    assert max(map(len, lines[:-1])) <= width
    words = {word for line in lines[:-1] for word in line.split()}
    assert words == {"error:", "seven", "words", "that", "are", "said", "of", "it"}


def test_names_do_not_act_on_the_terminal() -> None:
    console = terminal(80)
    print_line(console, "\x1b[31mlabel", "\x1b]0;title\x07", "\x9b31m")
    print_table(console, ("image",), [("\x1b[2J",)])
    assert "\x1b" not in "".join(lines_of(console))


def record(step: int, split: str, accuracy: float | None) -> dict[str, object]:
    return {
        "step": step,
        "epoch": step / 10,
        "split": split,
        "loss": 0.00012345,
        "accuracy": accuracy,
        "learning_rate": 1e-3,
        "seconds": 75.0,
    }


@pytest.mark.parametrize("accuracy", [0.99996, None])
def test_without_a_terminal_each_record_is_a_line(accuracy: float | None) -> None:
    console = Console(file=io.StringIO(), width=80)
    with Watcher(console) as watcher:
        watcher.on_choice(Choice("network", "linear", "small"))
        watcher.on_start("runs/a", 0, 20)
        for step in (1, 2, 3):
            watcher.on_step(step, 32)
        watcher.on_record(record(3, "batch", accuracy))
        watcher.on_record(record(3, "validation", accuracy))
    text = "\n".join(lines_of(console))
    assert "step 3/20" in text
    assert "left" in text
    assert "loss 0.0001234" in text or "loss 0.0001235" in text
    assert "100.0 %" not in text


def test_a_terminal_shows_epochs_a_line_for_each_and_a_clock_while_it_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(watching, "is_live", lambda _: True)
    console = terminal(80)
    watcher = Watcher(console)
    with watcher:
        now[0] += 34
        console.print(watcher._line())
        watcher.on_start("runs/a", 0, 40)
        for step in range(1, 12):
            now[0] += 1
            watcher.on_step(step, 32)
        for split in ("train", "validation"):
            watcher.on_record(record(10, split, 0.9))
        console.print(watcher._line())
    text = "\n".join(lines_of(console))
    assert "… 0:34" in text
    assert "epoch         train     validation    time      train loss" in text
    assert "1/4           90.0 %    90.0 %        1:15      0.000123" in text
    assert "epoch 2/4" in text
    assert "0:29 left" in text


def drawn(watcher: Watcher, width: int) -> str:
    console = terminal(width)
    console.print(watcher._line())
    [line] = lines_of(console)
    assert len(line.rstrip()) <= width
    return line.rstrip()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_other_work_has_a_bar_and_a_time_left(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=width)
    with Watcher(console) as watcher, working("fold", 5) as folds:
        with working("features of 2,527 images", 100, is_counted=False) as features:
            now[0] += 4
            features.advance(10)
            line = drawn(watcher, width)
            assert line.startswith("  fold 1/5, features of")
            assert line.endswith("0:36 left")  # of the features: nobody knows yet how long a fold takes
        now[0] += 36
        folds.advance()
        assert drawn(watcher, width).startswith("  fold 2/5  ━")
        assert drawn(watcher, width).endswith("2:40 left")
        with working("step", 10) as steps:
            now[0] += 20
            steps.advance(5)
            assert drawn(watcher, width).endswith("2:20 left")
    text = "\n".join(lines_of(console))
    assert text == "expected      about 3 min 20 s    5 times: fold, as fast as so far"


def test_foretold_work_is_announced_at_once_and_judged_by_how_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    with Watcher(console) as watcher, working("looking", 100, is_counted=False, is_foretold=True) as looking:
        assert drawn(watcher, 80).endswith("1:40 left")
        now[0] += 20
        assert drawn(watcher, 80).endswith("1:20 left")
        looking.advance(10)
        assert drawn(watcher, 80).endswith("1:50 left")  # a machine that has become slower
        now[0] += 80
        looking.advance(40)
        assert drawn(watcher, 80).endswith("1:40 left")
    assert lines_of(console) == ["expected      about 1 min 40 s    looking, by a few images' time here"]


def test_a_slow_first_part_says_little_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    with Watcher(console), working("searching, step", 100) as steps:
        now[0] += 5
        steps.advance()
        assert not lines_of(console)
        now[0] += 0.5
        steps.advance()
    assert lines_of(console) == ["expected      about 54 s    100 times: searching, step, as fast as so far"]


def test_short_work_is_not_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    with Watcher(console), working("fold", 5) as folds:
        for _ in range(5):
            now[0] += 1.6
            folds.advance()
    assert lines_of(console) == []
