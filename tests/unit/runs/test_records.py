"""Records of training: what a full disk, a killed writer or a damaged line leaves of them."""

from pathlib import Path

import pytest

from convscope.errors import RunError
from convscope.runs.records import append_record, read_records, truncate_records


def test_a_full_disk_is_said_with_the_way_on(tmp_path: Path) -> None:
    run = tmp_path / "my run"
    run.mkdir()
    (run / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(
        RunError, match=r"No space left on device.\nMake room, then go on with: convscope"
    ) as said:
        append_record(run / "metrics.jsonl", {"step": 1})
    assert f"--resume '{run}'" in str(said.value)


def test_a_fold_that_fills_the_disk_names_the_whole_run(tmp_path: Path) -> None:
    fold = tmp_path / "run" / "folds" / "repeat-1-fold-2"
    fold.mkdir(parents=True)
    (fold / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match=f"--resume {tmp_path / 'run'}$"):
        append_record(fold / "metrics.jsonl", {"step": 1})


@pytest.mark.parametrize(
    "line", [b'{"step": 2, "lo', b"\xff\xfe", b"null", b"[]", b'{"loss": 1}', b'{"step": "2"}']
)
def test_from_a_line_that_is_no_record_on_nothing_is_read(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 3}\n')
    assert read_records(path) == [{"step": 1}]
    truncate_records(path, 5)
    append_record(path, {"step": 2})
    assert read_records(path) == [{"step": 1}, {"step": 2}]


def test_no_records_are_none(tmp_path: Path) -> None:
    assert read_records(tmp_path / "metrics.jsonl") == []
    truncate_records(tmp_path / "metrics.jsonl", 0)
    assert not list(tmp_path.iterdir())
