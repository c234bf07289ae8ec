"""Labels marked as wrong: kept in the run as a whole table of corrections, and taken back one by one."""

import threading

import pytest

from convscope.data.corrections import Correction, read_corrections, write_corrections
from convscope.runs.folder import CORRECTIONS, Run
from convscope.runs.marks import MARKED, mark, marks_of, next_corrections, unmark


def one(content, old, new):
    return Correction(path=f"{content}.png", content=content, old=old, new=new)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_marks_survive_and_the_latest_is_last(run, tmp_path):
    mark(run, one("1", "a", "b"))
    mark(run, one("2", "a", None))
    mark(run, one("1", "a", "c"))
    assert marks_of(Run(tmp_path)) == (one("2", "a", None), one("1", "a", "c"))
    assert read_corrections(tmp_path / MARKED) == next_corrections(run)


def test_a_mark_is_taken_back_by_undo_or_by_the_old_label(run):
    mark(run, one("1", "a", "b"))
    mark(run, one("2", "a", "b"))
    unmark(run, "1")
    unmark(run, "7")
    assert marks_of(run) == (one("2", "a", "b"),)
    mark(run, one("2", "a", "a"))
    assert marks_of(run) == ()
    assert not run.has(MARKED)


def test_the_table_holds_the_runs_own_corrections_too(run, tmp_path):
    own = (one("1", "a", "b"), one("2", "a", "b"), one("3", "a", None))
    (tmp_path / CORRECTIONS).write_bytes(write_corrections(own))
    assert marks_of(run) == ()
    mark(run, one("1", "b", "c"))
    mark(run, one("2", "b", "a"))
    assert set(next_corrections(run)) == {one("1", "a", "c"), one("3", "a", None)}
    assert set(marks_of(run)) == {one("1", "b", "c"), one("2", "b", "a")}
    unmark(run, "2")
    assert set(next_corrections(run)) == {one("1", "a", "c"), one("2", "a", "b"), one("3", "a", None)}
    unmark(run, "1")
    assert marks_of(run) == ()
    assert set(next_corrections(run)) == set(own)


def test_marks_of_many_at_once_all_count(run):
    threads = [threading.Thread(target=mark, args=(run, one(str(number), "a", "b"))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.content for each in marks_of(run)} == {str(number) for number in range(20)}
