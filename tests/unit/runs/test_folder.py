from pathlib import Path

import pytest

from convscope.config.asked import ExperimentConfig
from convscope.errors import RunError, UsageError
from convscope.runs.folder import Run, list_runs
from convscope.runs.records import append_record, read_records, truncate_records


def test_runs_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    names = [Run.create(tmp_path, data_name="photos", network_name="vgg12").name for _ in range(3)]
    assert names == ["photos-vgg12-1", "photos-vgg12-2", "photos-vgg12-3"]
    Run.create(tmp_path, data_name="x", network_name="y", name="mine")
    with pytest.raises(UsageError, match="exists already"):
        Run.create(tmp_path, data_name="x", network_name="y", name="mine")


def test_names_of_data_and_networks_cannot_leave_the_folder(tmp_path: Path) -> None:
    run = Run.create(tmp_path, data_name="../../etc", network_name="timm:resnet34.a1_in1k")
    assert run.path.parent == tmp_path
    assert run.name == "etc-timm-resnet34.a1_in1k-1"


def test_the_configuration_comes_back(tmp_path: Path) -> None:
    run = Run.create(tmp_path, data_name="a", network_name="b")
    run.write_config(ExperimentConfig(seed=7))
    assert Run.open(run.path).config == ExperimentConfig(seed=7)
    assert [found.name for found in list_runs(tmp_path)] == ["a-b-1"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        Run.open(tmp_path / "nowhere")


def test_what_training_did_not_reach_is_said(tmp_path: Path) -> None:
    run = Run.create(tmp_path, data_name="a", network_name="b")
    with pytest.raises(RunError, match="training did not get so far"):
        run.read("summary.json")


def test_a_half_line_of_a_killed_writer_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for step in range(3):
        append_record(path, {"step": step})
    with path.open("a") as file:
        file.write('{"step": 3, "lo')
    assert [record["step"] for record in read_records(path)] == [0, 1, 2]
    truncate_records(path, 1)
    append_record(path, {"step": 2})
    assert [record["step"] for record in read_records(path)] == [0, 1, 2]
