"""Learning a few images by heart: what can, what cannot, and what was in the way."""

from pathlib import Path
from typing import Any

import pytest

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override
from convscope.diagnosis.rule import AbsentError
from convscope.trials.memorising import memorise
from convscope.trials.untrained import evidence_of_experiment


def asked(source: Path, **changes: Any) -> Any:
    values = {field.replace("__", "."): value for field, value in changes.items()}
    base = {
        "data.source": str(source),
        "network.name": "two-conv",
        "training.threads": 1,
        "training.steps": 5,
    }
    return memorise(evidence_of_experiment(override(ExperimentConfig(), base | values)))


def test_a_sound_network_learns_them_by_heart(bars: Path) -> None:
    found = asked(bars, training__learning_rate=0.003)
    assert found.findings == ()
    (passed,) = found.passed
    assert passed.name == "memory"
    assert "by heart" in passed.said


def test_a_rate_that_was_in_the_way_is_named_with_one_that_is_not(bars: Path) -> None:
    (finding,) = asked(bars, training__learning_rate=1e-6, training__optimizer="adam").findings
    assert (finding.name, finding.kind, finding.severity) == ("memorises-otherwise", "memory", "warning")
    assert "as it is:" in finding.evidence
    assert "--learning-rate 1e-05" in finding.advice or "--initialiser" in finding.advice


def test_a_pretrained_network_is_not_asked(bars: Path) -> None:
    with pytest.raises(AbsentError, match="fitted exactly"):
        asked(bars, network__name="pretrained")
