"""Following a record: nothing twice, no half line, and a file that is written anew is noticed."""

import json
from pathlib import Path

from convscope.runs.records import append_record, read_records, truncate_records
from convscope.runs.tailing import News, Tail


def steps(news: News) -> list[int]:
    return [record["step"] for record in news.records]


def test_each_record_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tail = Tail(path)
    assert tail.news() == News(records=())  # not there yet
    append_record(path, {"step": 1})
    append_record(path, {"step": 2})
    assert steps(tail.news()) == [1, 2]
    assert steps(tail.news()) == []
    append_record(path, {"step": 3})
    assert tail.news() == News(records=({"step": 3},))


def test_half_a_line_waits_for_its_other_half_and_letters_are_not_cut(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail(tmp_path / "metrics.jsonl")
    line = json.dumps({"step": 1, "split": "ünïcode"}, ensure_ascii=False).encode() + b"\n"
    for end in range(1, len(line)):
        path.write_bytes(line[:end])
        assert steps(tail.news()) == []
    path.write_bytes(line)
    assert tail.news().records == ({"step": 1, "split": "ünïcode"},)


def test_a_resumed_run_begins_its_record_anew(tmp_path: Path) -> None:
    path, tail = tmp_path / "metrics.jsonl", Tail(tmp_path / "metrics.jsonl")
    for step in range(1, 6):
        append_record(path, {"step": step})
    assert len(tail.news().records) == 5
    truncate_records(path, 3)
    append_record(path, {"step": 4})
    news = tail.news()
    assert news.is_anew
    assert steps(news) == [1, 2, 3, 4]
    assert tail.news() == News(records=())


def test_it_reads_what_read_records_reads(tmp_path: Path) -> None:
    for damage in (b'{"step": "2"}\n', b"\xff\xfe\n", b"null\n", b"\n"):
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(b'{"step": 1}\n' + damage + b'{"step": 3}\n')
        tail = Tail(path)
        assert list(tail.news().records) == read_records(path) == [{"step": 1}]
        assert steps(tail.news()) == []
