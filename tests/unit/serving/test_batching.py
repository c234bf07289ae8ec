"""Who is computed with whom: asked of a real classifier, an event loop, and a thread that waits if told."""

import asyncio
import io
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from PIL import Image

from convscope.classifier.classifier import Classifier, Readied
from convscope.data.quarantine import Quarantined
from convscope.serving.api.admission import Admission, BusyError
from convscope.serving.api.alike import answering_alike
from convscope.serving.api.batching import Batcher
from convscope.serving.api.threads import Threads
from convscope.serving.app import create_app
from convscope.serving.pages import try_it
from convscope.serving.workbench import Workbench


class Watched(Batcher):
    """Notes how many images are computed together; the first batch waits until `go` is set."""

    def __init__(
        self, classifier: Classifier, worker: ThreadPoolExecutor, together: int | None = None
    ) -> None:
        super().__init__(classifier, worker, together=together)
        self.sizes: list[int] = []
        self.go = threading.Event()
        self.begun = threading.Event()

    def _compute(self, items: Sequence[Any]) -> list[Any]:
        self.sizes.append(len(items))
        self.begun.set()
        assert self.go.wait(60)
        return super()._compute(items)


@pytest.fixture(scope="module")
def classifier(digit_runs: Path) -> Classifier:
    return Classifier.load(digit_runs / "quick")


def images(count: int) -> list[Readied]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
    return [Readied(f"image {number}", torch.from_numpy(each)) for number, each in enumerate(pixels)]


def in_crowd(batcher: Watched, waiting: list[list[Readied]]) -> list[list[Any]]:
    """One image is computed; while it is, the others arrive."""

    async def all_of_them() -> list[list[Any]]:
        first = asyncio.create_task(batcher.answer(images(1)))
        await asyncio.to_thread(batcher.begun.wait, 60)
        others = [asyncio.create_task(batcher.answer(each)) for each in waiting]
        await asyncio.sleep(0)  # each has put its images into the queue
        batcher.go.set()
        await first
        return list(await asyncio.gather(*others))

    with ThreadPoolExecutor(1) as batcher._worker:
        return asyncio.run(all_of_them())


def test_what_arrives_meanwhile_is_the_next_batch(classifier: Classifier) -> None:
    batcher = Watched(classifier, ThreadPoolExecutor(1))
    asked = [[each] for each in images(40)]
    answers = in_crowd(batcher, asked)
    assert batcher.sizes == [1, 40]
    assert [each[0].path for each in answers] == [f"image {number}" for number in range(40)]
    alone = [classifier.answer(each)[0] for each in asked]
    for [answer], other in zip(answers, alone, strict=True):
        assert answer.class_name == other.class_name
        assert answer.probability == pytest.approx(other.probability, abs=1e-6)


def test_a_batch_has_its_bound_and_nobody_is_split_needlessly(classifier: Classifier) -> None:
    batcher = Watched(classifier, ThreadPoolExecutor(1), together=8)
    asked = [images(5), images(3), images(2), images(20)]
    answers = in_crowd(batcher, asked)
    assert batcher.sizes == [1, 8, 2, 8, 8, 4]
    assert [len(each) for each in answers] == [5, 3, 2, 20]


def test_without_batching_each_image_is_alone(classifier: Classifier) -> None:
    batcher = Watched(classifier, ThreadPoolExecutor(1), together=1)
    in_crowd(batcher, [images(3), images(2)])
    assert batcher.sizes == [1] * 6


def test_what_could_not_be_read_costs_the_others_nothing(classifier: Classifier) -> None:
    batcher = Watched(classifier, ThreadPoolExecutor(1))
    broken = Quarantined("x.png", "damaged")
    [answers] = in_crowd(batcher, [[images(1)[0], broken, images(2)[1]]])  # type: ignore[list-item]
    assert answers[1] is broken
    assert [answers[0].path, answers[2].path] == ["image 0", "image 1"]


def test_a_fault_reaches_those_who_wait_and_the_next_are_answered(classifier: Classifier) -> None:
    batcher = Watched(classifier, ThreadPoolExecutor(1))
    batcher.go.set()
    wrong = [Readied("wrong", torch.zeros(3, 5, 5, dtype=torch.uint8))]

    async def twice() -> list[Any]:
        with pytest.raises(RuntimeError):
            await batcher.answer(wrong)
        return await batcher.answer(images(1))

    assert len(asyncio.run(twice())) == 1


def test_beyond_its_bound_nothing_is_admitted_and_places_come_back() -> None:
    admission = Admission(most_requests=2, most_bytes=10)
    with admission.one(), admission.one() as place:
        with pytest.raises(BusyError), admission.one():
            pass

        async def parts() -> Any:
            yield b"12345"
            yield b"678901"

        with pytest.raises(BusyError):
            asyncio.run(place.read(parts()))
    with admission.one() as place:
        admission.take(10 - place.bytes)  # what was read in vain was given back


def asked_of(app: FastAPI, path: str, **request: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(path, **request)

    return asyncio.run(ask())


def test_over_the_bound_the_answer_is_503_and_when_to_come_again(digit_runs: Path) -> None:
    app = create_app(Workbench(digit_runs))
    app.state.predictor.admission = Admission(most_requests=0)
    answer = asked_of(app, "/api/v1/runs/quick/predict", content=b"x")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "error" in answer.json()


@pytest.mark.parametrize("path", ["/api/v1/runs/quick/try?whole=false", "/runs/quick/try"])
def test_an_image_to_try_has_its_place_until_it_is_answered(
    digit_runs: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = create_app(Workbench(digit_runs))
    app.state.predictor.admission = Admission(most_requests=1)
    begun, go, answer = threading.Event(), threading.Event(), try_it._answer

    def slowly(*asked: Any, **how: Any) -> dict[str, Any]:
        is_first = not begun.is_set()
        begun.set()
        assert not is_first or go.wait(60)
        return answer(*asked, **how)

    monkeypatch.setattr(try_it, "_answer", slowly)
    picture = io.BytesIO()
    Image.new("L", (28, 28), 255).save(picture, "PNG")

    async def two() -> tuple[int, int, int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def ask() -> int:
                return (await client.post(path, content=picture.getvalue())).status_code

            first = asyncio.create_task(ask())
            assert await asyncio.to_thread(begun.wait, 60)
            second = await ask()
            go.set()
            return second, await first, await ask()

    assert asyncio.run(two()) == (503, 200, 200)


def test_a_fault_is_said_without_its_insides_and_with_every_header(digit_runs: Path) -> None:
    app = create_app(Workbench(digit_runs))
    app.state.predictor = None
    answer = asked_of(app, "/api/v1/runs/quick/predict", content=b"x")
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("this is a fault in convscope")
    assert "NoneType" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_small_batch_takes_one_thread_and_leaves_those_of_others_as_they_are(
    classifier: Classifier,
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    threads = Threads(classifier, 2)

    def chosen(images: int) -> int:
        threads.choose(images)
        return torch.get_num_threads()

    try:
        with ThreadPoolExecutor(1) as worker:
            assert [worker.submit(chosen, count).result() for count in (1, 10_000, 2)] == [1, 2, 1]
        with ThreadPoolExecutor(1) as other:
            assert other.submit(torch.get_num_threads).result() == 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_answer_does_not_depend_on_what_is_in_a_batch_beside_it(classifier: Classifier) -> None:
    alike = answering_alike(classifier)
    asked = images(32)
    together = [each.probabilities for each in alike.answer(asked)]
    assert together == [classifier.answer([each])[0].probabilities for each in asked]
    assert together != [{}] * 32
