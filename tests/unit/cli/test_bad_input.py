"""Whatever is wrong: the right exit code, and a message of at most three lines without a traceback."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Convscope = Callable[..., object]
SHORT = ("--network", "linear", "--steps", "2", "--threads", "1", "--augmentation", "none")


def check(done: object, code: int, *words: str) -> None:
    assert done.code == code, done.err
    message = "\n".join(done.message)
    assert 1 <= len(done.message) <= 3, message
    assert "Traceback" not in done.err
    assert "fault in convscope" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian", "digits"], ["trian"]),
        (["train"], ["DATA is missing"]),
        (["train", "digits", "--epocs", "3"], ["--epocs"]),
        (["train", "digits", "--epochs", "minus-one"], ["--epochs: 'minus-one' is not a whole number"]),
        (["train", "digits", "--epochs", "1.5"], ["--epochs", "1.5", "whole number"]),
        (["summary", "two-conv", "--classes", "1.5"], ["--classes", "1.5", "whole number"]),
        (["data", "digits", "--seed", "x"], ["--seed", "'x'", "whole number"]),
        (["train", "digits", "--learning-rate", "fast"], ["--learning-rate", "'fast' is not a number"]),
        (["train", "digits", "--learning-rate", "0"], ["--learning-rate", "above 0"]),
        (["train", "digits", "--learning-rate", "nan"], ["--learning-rate", "nan"]),
        (["train", "digits", "--learning-rate", "inf"], ["--learning-rate", "inf"]),
        (["train", "digits", "--weight-decay", "inf"], ["--weight-decay", "inf"]),
        (["train", "digits", "--seed", "-1"], ["seed", "-1"]),
        (["train", "digits", "--steps", "-3"], ["steps", "-3"]),
        (["train", "digits", "--batch-size", "0"], ["--batch-size", "above 0"]),
        (["train", "digits", "--dropout", "1"], ["dropout"]),
        (["train", "digits", "--optimizer", "adm"], ["adm", "adam"]),
        (["train", "digits", "--schedule", "cosin"], ["cosin", "cosine"]),
        (["train", "digits", "--fit", "stretch"], ["stretch", "squash"]),
        (["train", "digits", "--channels", "2"], ["2"]),
        (["train", "digits", "--network", "vgg15"], ["vgg15", "did you mean", "vgg16"]),
        (["train", "digits", "--network", "timm:resnet3"], ["resnet3", "did you mean", "resnet34"]),
        (["train", "digits", "--network", "vgg16"], ["vgg16", "28", "32×32"]),
        (["train", "digits", "--network", "linear", "--dropout", "0.5"], ["linear", "no dropout"]),
        (["train", "digits", "--augmentation", "photoz"], ["photoz"]),
        (["train", "digits", "--steps", "1", "--epochs", "1"], ["training.steps and training.epochs"]),
        (
            ["train", "digits", "--validation-fraction", "0.6", "--test-fraction", "0.6"],
            ["leave nothing for training"],
        ),
        (["train", "digits", "extra"], ["extra"]),
        (["train", "nowhere.toml"], ["nowhere.toml does not exist"]),
        (["summary", "vgg15"], ["vgg15", "did you mean"]),
        (["summary", "vgg16", "--image", "28x28"], ["28x28", "channels x height x width"]),
        (["summary", "vgg16", "--image", "1x28x28"], ["32×32"]),
        (["summary", "two-conv", "--classes", "0"], ["0"]),
        (["summary", "two-conv", "--classes", "-1"], ["-1"]),
        (["summary"], ["missing"]),
        (["predict"], ["missing"]),
        (["evaluate"], ["missing"]),
        (["data"], ["missing"]),
    ],
    ids=" ".join,
)
def test_usage(
    convscope: Convscope,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    check(convscope(*arguments), 2, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[data]\nsource = "digits"\n[training]\nlerning_rate = 1',
            ["training.lerning_rate", "learning_rate"],
        ),
        ("[training\n", ["not valid TOML", "line 1"]),
        ('[training]\nsteps = "many"', ["training.steps", "'many'"]),
        ("training = 3", ["training", "section"]),
        ("[trainig]\nsteps = 1", ["trainig", "training"]),
        ("seed = 1.5", ["seed", "1.5"]),
        ("[training]\nsteps = 2\nepochs = 1", ["steps", "epochs"]),
        ("[training]\nsteps = [1]", ["training.steps"]),
        ("[network]\ninitialiser = {}", ["network.initialiser"]),
        ("", []),
    ],
)
def test_experiment_files(convscope: Convscope, tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "e.toml"
    path.write_text(text or "\xff", encoding="latin-1")
    check(convscope("train", path, "--runs", tmp_path), 2, "e.toml", *words)


def test_a_folder_named_like_an_experiment(convscope: Convscope, tmp_path: Path) -> None:
    (tmp_path / "e.toml").mkdir()
    check(convscope("train", tmp_path / "e.toml", "--runs", tmp_path), 2, "e.toml")


def test_data_that_is_not_there(convscope: Convscope, tmp_path: Path) -> None:
    for command in ("train", "data"):
        check(convscope(command, tmp_path / "nowhere"), 3, "nowhere")
        check(convscope(command, "digit"), 3, "digit", "digits")


def test_data_that_cannot_be_learned_from(convscope: Convscope, pictures: Convscope, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "ant").mkdir(parents=True)
    (tmp_path / "hollow" / "bee").mkdir(parents=True)
    pictures(tmp_path / "one", {"ant": 5})
    pictures(tmp_path / "lacking", {"ant": 5, "bee": 5})
    (tmp_path / "lacking" / "wasp").mkdir()
    for name in ("ant", "bee"):
        (tmp_path / "broken" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "broken" / name / f"{number}.jpg").write_text("no picture")
    (tmp_path / "file.txt").write_text("no data")
    expected = {
        "empty": [],
        "hollow": [],
        "one": ["one class only", "ant"],
        "lacking": ["wasp"],
        "broken": ["8"],
        "file.txt": ["file.txt"],
    }
    for name, words in expected.items():
        check(convscope("train", tmp_path / name, *SHORT, "--runs", tmp_path / "runs"), 3, *words)
    assert not (tmp_path / "runs").exists()


def test_more_broken_files_than_one_in_twenty(
    convscope: Convscope, pictures: Convscope, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "photos", {"ant": 8, "bee": 8})
    (folder / "ant" / "bad.jpg").write_text("no picture")
    check(convscope("train", folder, *SHORT, "--runs", tmp_path / "runs"), 3, "bad.jpg", "--allow-broken")
    done = convscope("train", folder, *SHORT, "--runs", tmp_path / "runs", "--allow-broken", "--json")
    assert done.code == 0, done.err
    dataset = json.loads((Path(done.document["run"]) / "dataset.json").read_text())
    assert [entry["path"] for entry in dataset["quarantined"]] == ["ant/bad.jpg"]
    assert "text" in dataset["quarantined"][0]["reason"]


@pytest.mark.parametrize("command", ["evaluate", "predict", "resume"])
def test_what_is_no_run(convscope: Convscope, photos: Path, tmp_path: Path, command: str) -> None:
    def call(path: Path) -> object:
        if command == "resume":
            return convscope("train", "--resume", path)
        return convscope(command, path, *([photos] if command == "predict" else []))

    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    check(call(tmp_path / "nowhere"), 1, "nowhere does not exist")
    check(call(tmp_path / "folder"), 1, "not a run")
    check(call(tmp_path / "file"), 1, "file")


def test_a_checkpoint_that_is_not_there(convscope: Convscope, trained: Path, photos: Path) -> None:
    for name in ("99", "worst", "²", "../last", ""):
        check(convscope("evaluate", trained, "--checkpoint", name), 1, "checkpoint", "step-00000008")
        check(convscope("predict", trained, photos, "--checkpoint", name), 1, "checkpoint")


def test_a_split_that_is_not_there(convscope: Convscope, trained: Path, photos: Path) -> None:
    check(convscope("evaluate", trained, "--split", "tset"), 2, "tset", "test, validation or train")
    check(convscope("evaluate", trained, photos, "--split", "validation"), 2, "validation")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("config.json", '{"network": 3}'),
        ("classifier.json", "{}"),
        ("classifier.json", "[1]"),
        ("summary.json", "{"),
        ("checkpoints/step-00000008/network.safetensors", "short"),
        ("checkpoints/step-00000008/state.json", "{"),
    ],
)
def test_a_damaged_run(
    convscope: Convscope, trained: Path, photos: Path, tmp_path: Path, name: str, content: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run, symlinks=True)
    (run / name).write_text(content)
    outcomes = [
        convscope("evaluate", run),
        convscope("predict", run, photos),
        convscope("train", "--resume", run, "--steps", 9),
        convscope("runs", tmp_path),
    ]
    for done in outcomes:
        assert done.code in (0, 1, 2), done.err
        if done.code:
            check(done, done.code, str(run))


def test_weights_of_another_network_are_named_in_three_lines(
    convscope: Convscope, trained: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run, symlinks=True)
    values = json.loads((run / "classifier.json").read_text())
    values["network"]["name"] = "vgg12"
    (run / "classifier.json").write_text(json.dumps(values))
    check(convscope("evaluate", run), 1, "weights", "vgg12")


def test_a_run_whose_name_is_taken(convscope: Convscope, trained: Path, photos: Path) -> None:
    done = convscope("train", photos, *SHORT, "--runs", trained.parent, "--name", trained.name)
    check(done, 2, "exists already", "--resume")


def test_a_place_for_runs_that_is_none(convscope: Convscope, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check(convscope("train", photos, *SHORT, "--runs", tmp_path / "file"), 1, "file")


def test_a_device_that_is_not_there(convscope: Convscope, photos: Path, tmp_path: Path) -> None:
    for device in ("gpu", "cuda:99"):
        done = convscope("train", photos, *SHORT, "--runs", tmp_path, "--device", device)
        check(done, done.code, "device")
        assert done.code in (1, 2)


def test_resume_changes_nothing_but_the_length(convscope: Convscope, trained: Path, photos: Path) -> None:
    check(convscope("train", "--resume", trained, "--learning-rate", 1), 2, "--learning-rate cannot change")
    check(convscope("train", photos, "--resume", trained), 2, "leave DATA out")


def test_predict_on_what_is_no_image(convscope: Convscope, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    check(convscope("predict", trained, tmp_path / "notes.txt"), 3, "is no image")
    check(convscope("predict", trained, tmp_path / "empty"), 3, "empty")
    check(convscope("predict", trained, tmp_path / "nowhere.png"), 3, "nowhere.png does not exist")
    check(convscope("predict", trained, "--jsno", tmp_path), 2, "--jsno")
    (tmp_path / "old.png").symlink_to("gone.png")
    check(convscope("predict", trained, tmp_path / "old.png"), 3, "a dangling link")
    (tmp_path / "all.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    check(convscope("predict", trained, tmp_path / "all.zip"), 3, "Unpack it")
    check(convscope("predict", trained, tmp_path, "--json", "--csv"), 2, "--json and --csv")
    check(convscope("predict", trained, tmp_path, "--csv", "t.csv"), 2, "leave t.csv out, and add > t.csv")


@pytest.mark.parametrize("name", ["nan", "inf", "many"])
def test_folders_to_predict_a_number_from_are_numbers(
    convscope: Convscope, pictures: Convscope, tmp_path: Path, name: str
) -> None:
    folder = pictures(tmp_path / "ages", {"1": 3, "2.5": 3, name: 3})
    check(convscope("train", folder, "--task", "regression"), 3, f"'{name}' is none")


@pytest.mark.parametrize("name", ["", " "])
def test_a_name_that_is_empty_is_not_the_working_folder(convscope: Convscope, name: str) -> None:
    check(convscope("train", name), 3, "empty")
    check(convscope("data", name), 3, "empty")


def test_classes_that_the_run_does_not_know(
    convscope: Convscope, trained: Path, pictures: Convscope, tmp_path: Path
) -> None:
    other = pictures(tmp_path / "other", {"wasp": 3, "hornet": 2, "bee": 4})
    check(convscope("evaluate", trained, other), 3, "hornet", "--ignore-unknown")
    done = convscope("evaluate", trained, other, "--ignore-unknown", "--json")
    assert done.code == 0, done.err
    assert done.document["test"]["accuracy"]["n"] == 7
    assert "hornet" in " ".join(done.document["notes"])
    assert "ant" in " ".join(done.document["notes"])
    strangers = pictures(tmp_path / "strangers", {"cat": 3, "dog": 2})
    check(convscope("evaluate", trained, strangers, "--ignore-unknown"), 3, "ant, bee, wasp")


def test_debug_shows_where(convscope: Convscope, tmp_path: Path) -> None:
    done = convscope("evaluate", tmp_path, "--debug")
    assert done.code == 1
    assert "Traceback" in done.err


def test_a_network_that_cannot_be_built_leaves_no_run(
    convscope: Convscope, photos: Path, tmp_path: Path
) -> None:
    check(convscope("train", photos, *SHORT[2:], "--network", "vgg15", "--runs", tmp_path), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_cannot_compute(convscope: Convscope, photos: Path, tmp_path: Path) -> None:
    check(convscope("train", photos, *SHORT, "--runs", tmp_path, "--device", "meta"), 2, "device")


def test_of_two_images_a_class_no_five_folds_are_advised(
    pictures: Callable[..., Path], convscope: Convscope, tmp_path: Path
) -> None:
    folder = pictures(tmp_path / "few", {"a": 2, "b": 2})
    flags = ("--network", "linear", "--steps", 1, "--learning-rate", 0.01, "--runs", tmp_path / "runs")
    trained = convscope("train", folder, *flags)
    assert "For a better figure: --folds 2" in " ".join(trained.out.split())
    assert convscope("train", folder, *flags, "--folds", 2).code == 0
