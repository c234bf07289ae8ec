"""The command in a process of its own: streams, signals, exit codes, and going on after Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COMMAND = (sys.executable, "-c", "from convscope.cli.main import main; main()")
TRAIN = ("--network", "linear", "--threads", "1", "--batch-size", "8", "--augmentation", "none", "--json")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "photos"
    for place, name in enumerate(("ant", "bee")):
        (folder / name).mkdir(parents=True)
        for number in range(16):
            noise = np.random.default_rng([place, number]).integers(0, 90, (8, 8), dtype=np.uint8)
            noise[4 * place : 4 * place + 2] += 150
            Image.fromarray(noise).save(folder / name / f"{number}.png")
    return folder


def call(*arguments: object, folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_session(photos: Path, tmp_path: Path) -> None:
    """Train, evaluate and predict from another folder; runs are made in ./runs."""
    trained = call("train", photos, *TRAIN, "--steps", "6", folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    summary = json.loads(trained.stdout)
    assert summary["run"] == "runs/photos-linear-1"
    assert "Traceback" not in trained.stderr
    evaluated = call("evaluate", summary["run"], "--json", folder=tmp_path)
    assert json.loads(evaluated.stdout)["test"] == summary["test"]
    predicted = call("predict", summary["run"], "-", "--json", folder=tmp_path, stdin=f"{photos}/ant/3.png\n")
    [prediction] = json.loads(predicted.stdout)["predictions"]
    assert prediction["path"] == f"{photos}/ant/3.png"
    assert {"class", "probability"} <= set(prediction)


def test_the_exit_code_of_bad_data_and_nothing_on_stdout(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = call("train", "empty", *TRAIN, folder=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert not (tmp_path / "runs").exists()


def test_divergence_exits_with_4_and_says_why(photos: Path, tmp_path: Path) -> None:
    rates = (
        "--network",
        "two-conv",
        "--learning-rate",
        "1e30",
        "--optimizer",
        "sgd",
        "--schedule",
        "constant",
    )
    done = call("train", photos, *TRAIN[2:], *rates, "--steps", "50", folder=tmp_path)
    assert done.returncode == 4
    assert done.stdout == ""
    message = done.stderr[done.stderr.index("error: ") :]
    assert len(message.splitlines()) <= 3
    assert any(layer in message for layer in ("conv1", "conv2", "fully_connected", "logits"))
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_training_goes_on(photos: Path, tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [
            *COMMAND,
            "train",
            str(photos),
            *TRAIN,
            "--steps",
            "1000000",
            "--record-every",
            "20",
            "--validate-every",
            "20",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if "step 40/" in line:
                break
        process.send_signal(number)
        message = process.stderr.read()
        assert process.stdout.read() == ""
        assert process.wait() == 130
    assert "convscope train --resume runs/photos-linear-1" in message
    assert "Traceback" not in message
    stopped = message.partition("stopped after step ")[2].partition(" ")[0]
    step = int(stopped.replace(",", ""))
    newest = max((tmp_path / "runs/photos-linear-1/checkpoints").glob("step-*"))
    assert json.loads((newest / "state.json").read_text())["step"] == step
    resumed = call(
        "train", "--resume", "runs/photos-linear-1", "--steps", step + 3, "--json", folder=tmp_path
    )
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["steps"] == step + 3
