from pathlib import Path

import pytest

from convscope.config.asked import ExperimentConfig, NetworkConfig
from convscope.config.experiment_file import override
from convscope.config.resolved import resolve
from convscope.errors import RunError, UsageError
from convscope.runs.folder import Run
from convscope.runs.listing import list_runs
from convscope.runs.records import append_record, read_records, truncate_records


def of(network: str) -> ExperimentConfig:
    return ExperimentConfig(network=NetworkConfig(name=network))


def test_runs_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    names = [Run.create(tmp_path, of("vgg12"), data_name="photos").name for _ in range(3)]
    assert names == ["photos-vgg12-1", "photos-vgg12-2", "photos-vgg12-3"]
    Run.create(tmp_path, of("y"), data_name="x", name="mine")
    with pytest.raises(UsageError, match="exists already"):
        Run.create(tmp_path, of("y"), data_name="x", name="mine")
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match=r"is not a run. Choose another --name, or remove it"):
        Run.create(tmp_path, of("y"), data_name="x", name="other")
    assert sorted(path.name for path in tmp_path.iterdir()) == [*sorted(["mine", "other"]), *names]


def test_a_run_appears_with_its_configuration_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill while it is made leaves nothing that could be taken for a run."""

    def killed(source: object, target: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("convscope.runs.atomic.os.rename", killed)
        with pytest.raises(KeyboardInterrupt):
            Run.create(tmp_path, of("b"), data_name="a", files={"choices.json": []})
    assert list_runs(tmp_path) == []
    run = Run.create(tmp_path, of("b"), data_name="a", files={"choices.json": [1]})
    assert run.read("choices.json") == [1]
    assert Run.open(run.path).read("config.json")["network"]["name"] == "b"


def test_names_of_data_and_networks_cannot_leave_the_folder(tmp_path: Path) -> None:
    run = Run.create(tmp_path, of("timm:resnet34.a1_in1k"), data_name="../../etc")
    assert run.path.parent == tmp_path
    assert run.name == "etc-timm-resnet34.a1_in1k-1"


def test_the_configuration_comes_back(tmp_path: Path) -> None:
    config = resolve(
        override(
            ExperimentConfig(seed=7),
            {"data.task": "classification", "network.name": "linear", "augmentation.preset": "none"}
            | {"preprocessing.size": 8, "preprocessing.channels": 1, "preprocessing.fit": "crop"}
            | {"preprocessing.centre": "channel", "preprocessing.scale": True, "training.epochs": 2}
            | {"training.batch_size": 4, "training.optimizer": "sgd", "training.learning_rate": 0.1}
            | {"training.weight_decay": 0.0, "training.schedule": "constant"}
            | {"training.label_smoothing": 0.0, "training.balance": "none"},
        )
    )
    run = Run.create(tmp_path, config, data_name="a")
    assert Run.open(run.path).config == config
    assert [found.name for found in list_runs(tmp_path)] == ["a-linear-1"]
    assert str(config.training.length) == "2 epochs"


def test_a_configuration_with_something_open_names_it(tmp_path: Path) -> None:
    run = Run.create(tmp_path, of("b"), data_name="a")
    with pytest.raises(RunError, match=r"config.json: data.task = None is not allowed"):
        Run.config.fget(run)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        Run.open(tmp_path / "nowhere")


def test_the_beginning_of_a_run_that_never_began_is_no_circle(tmp_path: Path) -> None:
    """Killed while it prepared, version 0.1.0 left a folder that could neither go on nor start again."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "choices.json").write_text("[]")
    with pytest.raises(RunError, match=r"stopped before it began.\nRemove the folder, and start it anew"):
        Run.open(tmp_path / "run")
    with pytest.raises(UsageError, match="Choose another --name, or remove it"):
        Run.create(tmp_path, of("b"), data_name="a", name="run")


def test_a_folder_that_is_half_written_is_not_listed(tmp_path: Path) -> None:
    run = Run.create(tmp_path, of("b"), data_name="a")
    (tmp_path / ".writing-x-1").mkdir()
    (tmp_path / ".writing-x-1" / "config.json").write_text("{}")
    assert list_runs(tmp_path) == [run]


def test_what_training_did_not_reach_is_said(tmp_path: Path) -> None:
    run = Run.create(tmp_path, of("b"), data_name="a")
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
