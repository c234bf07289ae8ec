"""Results come first, and come out: in any encoding and width, whoever reads them, whatever fails beside."""

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from convscope.cli import main as command_line
from convscope.errors import DataError

Convscope = Callable[..., Any]
SHORT = ("--network", "linear", "--steps", "2", "--threads", "1", "--augmentation", "none")


def said_in(encoding: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command whose terminal has this encoding."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", out)
        context.setattr(sys, "stderr", err)
        code = command_line.run([str(argument) for argument in arguments])
        out.flush()
        err.flush()
    return code, *(stream.buffer.getvalue().decode(encoding) for stream in (out, err))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp932", "cp1252", "utf-8", "utf-16"])
def test_every_encoding_gets_its_figures(
    trained: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    code, out, err = said_in(encoding, monkeypatch, "evaluate", trained)
    assert code == 0, err
    assert "95 % interval" in out
    assert "recall" in out
    code, out, err = said_in(encoding, monkeypatch, "evaluate", trained, "--json")
    assert json.loads(out)["test"]["accuracy"]["n"] > 0


def test_a_training_ends_with_its_figures_on_a_terminal_without_our_signs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = said_in("cp932", monkeypatch, "train", photos, *SHORT, "--runs", tmp_path)
    assert code == 0, err
    assert "validation" in out
    assert "convscope look" in out


def test_names_that_are_no_text_are_shown_and_json_stays_valid(
    convscope: Convscope, pictures: Convscope, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "d", {"ant": 3, "bee": 3})
    odd = os.fsdecode(b"caf\xe9\x1b[31m.png")
    (folder / "ant" / odd).write_text("no picture")
    done = convscope("data", folder, "--picture", tmp_path / "p.png", "--json")
    assert "caf\\xe9\\x1b[31m.png" in json.dumps(done.document, ensure_ascii=False).replace("\\\\", "\\")
    text = convscope("data", folder, "--picture", tmp_path / "p.png").out
    assert "caf\\xe9\\x1b[31m.png" in text
    assert "\x1b[31m" not in text


@pytest.mark.parametrize("command", ["data", "find-lr"])
def test_a_picture_that_fails_costs_a_warning_and_no_result(
    convscope: Convscope,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = () if command == "data" else SHORT
    (tmp_path / "file").write_text("")
    picture = tmp_path / "file" / "p.png"
    done = convscope(command, photos, *settings, "--picture", picture)
    assert done.code == 0, done.err
    assert "next" in done.out
    assert "steep" in done.out or "48 images" in done.out
    assert "warning: the picture" in done.err
    assert "Traceback" not in done.err
    done = convscope(command, photos, *settings, "--picture", picture, "--json")
    assert done.code == 0
    assert done.document["picture"] is None
    assert len(done.document) > 3


@pytest.mark.parametrize("place", ["p.jpg", "p", "folder.png"])
def test_a_picture_that_cannot_be_is_refused_before_anything_is_measured(
    convscope: Convscope, tmp_path: Path, place: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    done = convscope("data", "no-such-data", "--picture", tmp_path / place)
    assert done.code == 2
    assert "--picture" in done.err


def test_a_report_that_fails_costs_no_figures(
    convscope: Convscope, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(path / "report.html"))

    monkeypatch.setattr("convscope.report.page.html.write_report", fail)
    done = convscope("train", photos, *SHORT, "--runs", tmp_path)
    assert done.code == 0
    assert "validation" in done.out
    assert "warning: the report was not written: No space left on device" in done.err
    done = convscope("train", photos, *SHORT, "--runs", tmp_path, "--json")
    assert done.document["report"] is None
    assert "test" in done.document


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(command_line, "app", fail)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/d/f"), 1, "No space left on device: /d/f"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 1, "Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 1, "Permission denied: /root/x"),
        (MemoryError(), 1, "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 1, "--batch-size"),
        (DataError("nothing here"), 3, "error: nothing here"),
        (KeyError("x"), 1, "fault in convscope"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_an_ending_says_whose_fault_it_is(
    convscope: Convscope, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    failing(monkeypatch, error)
    done = convscope("runs")
    assert done.code == code
    assert said in done.err
    assert ("fault in convscope" in done.err) == isinstance(error, KeyError)
    assert ("error: " in done.err) == (code != 130)
    assert done.out == ""
    assert convscope("runs", "--json").out == ""


def test_a_ctrl_c_that_a_library_turned_into_an_error_is_one(
    convscope: Convscope, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ImportError("cannot load")
    error.__context__ = KeyboardInterrupt()
    failing(monkeypatch, error)
    assert convscope("runs").code == 130


def test_one_more_ctrl_c_while_the_last_is_answered_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def again(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run", again)
    monkeypatch.setattr(command_line, "QuickEnd", SimpleNamespace)  # this process goes on
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["convscope"])
    with pytest.raises(SystemExit) as left:
        command_line.main()
    assert left.value.code == 130
    assert capsys.readouterr().err == ""


def in_shell(line: str) -> "subprocess.CompletedProcess[str]":
    convscope = f"{sys.executable} -c 'from convscope.cli.main import main; main()'"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('convscope', convscope, 1)}"],
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("arguments", ["networks", "networks --json"])
def test_a_full_disk_behind_stdout_is_said_as_one(arguments: str) -> None:
    done = in_shell(f"convscope {arguments} > /dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("arguments", ["networks", "networks --json", "--help"])
def test_a_reader_that_leaves_is_no_error(arguments: str) -> None:
    done = in_shell(f"convscope {arguments} | true")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "code"), [("convscope networks >&-", 0), ("convscope evaluate nowhere 2>&-", 1)]
)
def test_closed_streams_are_no_fault(line: str, code: int) -> None:
    done = in_shell(line)
    assert done.returncode == code
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("columns", ["0", "abc", "-5", "20", ""])
def test_odd_columns_do_not_matter_in_a_pipe(
    convscope: Convscope, trained: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = convscope("evaluate", trained)
    assert done.code == 0, done.err
    assert any("95 % interval" in line and "%" in line for line in done.out.splitlines())
