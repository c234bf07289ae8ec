"""Work that is counted: whoever watches is told how far it is, and nobody else."""

import threading

import pytest

from convscope.work import Work, counted, watched_by, working


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, float, float]] = []

    def on_work(self, work: Work) -> None:
        self.heard.append(("begins", work.what, work.done, work.total))

    def on_worked(self, work: Work) -> None:
        self.heard.append(("goes on", work.what, work.done, work.total))

    def on_work_end(self, work: Work) -> None:
        self.heard.append(("ends", work.what, work.done, work.total))


def test_things_are_counted_one_by_one() -> None:
    ear = Ear()
    with watched_by(ear):
        assert list(counted("ab", "letter")) == ["a", "b"]
    assert ear.heard == [
        ("begins", "letter", 0, 2),
        ("goes on", "letter", 1, 2),
        ("goes on", "letter", 2, 2),
        ("ends", "letter", 2, 2),
    ]


def test_things_may_weigh_more_than_others() -> None:
    ear = Ear()
    with watched_by(ear):
        assert list(counted(iter("ab"), "letters", weights=[3, 1])) == ["a", "b"]
    assert [done for _, _, done, _ in ear.heard] == [0, 3, 4, 4]
    assert {total for *_, total in ear.heard} == {4}


def test_an_error_ends_the_work() -> None:
    ear = Ear()

    def fail() -> None:
        with working("fits", 5) as work:
            work.advance(2)
            raise ValueError("no")

    with watched_by(ear), pytest.raises(ValueError, match="no"):
        fail()
    assert ear.heard[-1] == ("ends", "fits", 2, 5)


def test_more_than_all_is_never_done() -> None:
    with working("fits", 2) as work:
        work.advance(5)
    assert work.done == 2


def test_nobody_is_told_outside_or_in_another_thread() -> None:
    ear = Ear()
    with watched_by(ear):
        other = threading.Thread(target=lambda: list(counted("ab", "letter")))
        other.start()
        other.join()
    assert list(counted("ab", "letter")) == ["a", "b"]
    assert ear.heard == []


def test_what_nobody_knows_the_length_of_is_not_counted() -> None:
    ear = Ear()
    with watched_by(ear):
        assert list(counted(iter("ab"), "letter")) == ["a", "b"]
        assert list(counted((), "letter")) == []
    assert ear.heard == []
