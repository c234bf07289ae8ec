"""Threads that were asked for hold every library that computes; a GPU is asked for what it can do."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits
from torch import nn

from convscope.config.asked import TrainingConfig
from convscope.data.threads import in_order
from convscope.errors import RunError
from convscope.runs.folder import Run
from convscope.training.device import THREAD_VARIABLES, choose_precision, use_device


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "2")
    threads = torch.get_num_threads()
    with threadpool_limits(2):
        yield
    torch.set_num_threads(threads)


def test_one_thread_holds_the_libraries_beneath_numpy_and_scikit_learn() -> None:
    import sklearn.linear_model  # noqa: F401

    assert {library["num_threads"] for library in threadpool_info()} != {1}
    use_device(TrainingConfig(threads=1, device="cpu"))
    assert torch.get_num_threads() == 1
    assert {library["num_threads"] for library in threadpool_info()} == {1}


def test_libraries_that_are_loaded_later_are_told_by_the_environment() -> None:

    use_device(TrainingConfig(threads=1, device="cpu"))
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"1"}


def test_images_are_decoded_on_as_many_threads() -> None:

    use_device(TrainingConfig(threads=1, device="cpu"))
    assert len(set(in_order(lambda _: threading.get_ident(), range(500)))) == 1


def test_threads_that_nobody_asked_for_leave_other_libraries_alone() -> None:
    before = [library["num_threads"] for library in threadpool_info()]
    use_device(TrainingConfig(device="cpu"))
    blas = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
    assert set(blas) <= set(before)


@pytest.mark.parametrize(
    ("count", "asked", "said"),
    [
        (1, "cuda:1", "no cuda:1 here, but 1 CUDA device, cuda:0. Train with --device cuda:0"),
        (2, "cuda:5", "no cuda:5 here, but 2 CUDA devices, cuda:0 to cuda:1. Train with"),
    ],
)
def test_a_gpu_that_is_not_there_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, count: int, asked: str, said: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(RunError, match=said):
        use_device(TrainingConfig(device=asked))
    assert use_device(TrainingConfig(device=f"cuda:{count - 1}")).index == count - 1
    assert use_device(TrainingConfig(device="cuda")).type == "cuda"


@pytest.mark.parametrize(("native", "chosen"), [(0, torch.bfloat16), (1, torch.float32)])
def test_bfloat16_is_for_gpus_that_multiply_in_it_whichever_is_the_current_one(
    monkeypatch: pytest.MonkeyPatch, native: int, chosen: torch.dtype
) -> None:
    """Of two GPUs one has it natively; the other emulates it, many times as slow."""
    current = [1 - native]

    @contextmanager
    def select(device: torch.device) -> Iterator[None]:
        before, current[0] = current[0], device.index
        yield
        current[0] = before

    def is_supported(including_emulation: bool = True) -> bool:
        return including_emulation or current[0] == native

    monkeypatch.setattr(torch.cuda, "device", select)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    assert choose_precision("auto", torch.device("cuda:0"), nn.Conv2d(1, 1, 3)) == chosen


def test_training_reads_the_random_state_of_no_gpu_that_it_does_not_use(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two of them torch would warn, and wait for both."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    before = torch.get_rng_state()
    with warnings.catch_warnings(action="error"):
        train(steps=1, device="cpu")
    assert torch.get_rng_state().equal(before)
