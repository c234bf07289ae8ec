"""Nothing hostile is served, and no bomb goes off."""

import mmap
import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from PIL import Image

HERE = Path(__file__).parent
hostile = SimpleNamespace(**runpy.run_path(str(HERE / "hostile.py")))
bombs = SimpleNamespace(**runpy.run_path(str(HERE / "bombs.py")))


def files_of(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


@contextmanager
def more_memory() -> Iterator[Callable[[], int]]:
    """By how many bytes this process, which the server is in, was larger at its peak within; 0 elsewhere."""
    status, peak = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not peak.exists():
        yield lambda: 0
        return

    def kilobytes(name: str) -> int:
        [line] = [line for line in status.read_text().splitlines() if line.startswith(f"{name}:")]
        return int(line.split()[1])

    peak.write_text("5")
    before = kilobytes("VmRSS")
    yield lambda: 1024 * (kilobytes("VmHWM") - before)


def test_the_measure_of_memory_sees_what_is_taken_and_given_back() -> None:
    """The control."""
    # From the system itself, not of what was given back before.
    with more_memory() as more, mmap.mmap(-1, 2**28) as taken:
        taken.write(b"x" * 2**28)
    assert more() > 200 * 2**20 or not Path("/proc/self/clear_refs").exists()


def test_hostile_requests_are_not_served(workbench: str, digit_runs: Path, tmp_path: Path) -> None:
    Image.new("L", (28, 28), 90).save(tmp_path / "image.png")
    image = (tmp_path / "image.png").read_bytes()
    predict = f"{workbench}/api/v1/runs/quick/predict"
    good = {"content": image, "headers": {"Content-Type": "image/png"}, "timeout": 60}
    assert httpx.post(predict, **good).status_code == 200
    before = files_of(digit_runs)
    kinds: Counter[str] = Counter()
    served = []
    for kind, sent in hostile.hostile_requests(workbench, image):
        kinds[kind] += 1
        answer = hostile.answer_to(workbench, sent)
        refused = not answer or answer.startswith(b"HTTP/1.1 4")
        if not refused or b"root:x:" in answer or b'"network"' in answer or b"Traceback" in answer:
            served.append((kind, sent[:120], answer[:80]))
    assert served == []
    assert kinds.total() >= 300
    assert set(kinds) == {"path", "host", "origin", "method", "body"}
    assert files_of(digit_runs) == before  # nothing that was sent was kept
    assert httpx.post(predict, **good).status_code == 200


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_an_image_bomb_is_refused_by_its_header(workbench: str, name: str) -> None:
    predict = f"{workbench}/api/v1/runs/quick/predict"
    headers = {"Content-Type": "application/octet-stream"}
    with more_memory() as more:
        answer = httpx.post(predict, content=bombs.BOMBS[name], headers=headers, timeout=60)
    assert answer.status_code == 422
    assert more() < 256 * 2**20
    reason = answer.json()["quarantined"][0]["reason"]
    assert "over the limit of 50 million" in reason or "damaged" in reason or "cut short" in reason


def test_what_is_within_the_limit_is_answered(workbench: str, tmp_path: Path) -> None:
    """The control: the limit is not what refuses everything."""
    Image.new("L", (7_000, 7_000), 200).save(tmp_path / "large.png")
    content = (tmp_path / "large.png").read_bytes()
    predict = f"{workbench}/api/v1/runs/quick/predict"
    answer = httpx.post(predict, content=content, headers={"Content-Type": "image/png"}, timeout=60)
    assert answer.status_code == 200
