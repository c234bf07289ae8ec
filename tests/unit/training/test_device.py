"""Threads that were asked for hold every library that computes."""

import os
import threading
from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from convscope.config.asked import TrainingConfig
from convscope.data.threads import in_order
from convscope.training.device import THREAD_VARIABLES, use_device


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
