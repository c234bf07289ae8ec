"""The way of one prediction adorns the report: it costs no finished training."""

from collections.abc import Callable
from typing import Any

import pytest

from convscope.runs.folder import Run
from convscope.training.outcome import results


def test_a_training_is_finished_where_no_way_can_be_followed(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise IndexError("index 0 is out of bounds")

    monkeypatch.setattr(results, "one_way", lost)
    with pytest.warns(UserWarning, match=r"step by step, is left out of the report: IndexError: index 0"):
        run = train()
    assert run.summary() is not None
    assert not run.has("step_by_step.json")
