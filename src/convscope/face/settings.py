"""What was asked for: data or an experiment's file, and the settings beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import override, read_experiment
from convscope.errors import UsageError
from convscope.wording import meant, near


def experiment_for(data: str, overrides: Mapping[str, Any]) -> ExperimentConfig:
    """An experiment's .toml, or a source, with fields changed: `{"training.epochs": 5}`."""
    if data.endswith(".toml"):
        return override(read_experiment(Path(data)), dict(overrides))
    return override(ExperimentConfig(), {"data.source": data, **overrides})


def fields_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their short names, those of the flags: `epochs=5` -> `{"training.epochs": 5}`.

    Raises:
        UsageError: there is no such setting.
    """
    from convscope.config.fields import settings as all_settings

    known = all_settings()
    for name in settings:
        if name not in known:
            close = meant(near(name, known), f"known: {', '.join(known)}")
            raise UsageError(f"'{name}' is not a setting; {close}")
    return {known[name].field: value for name, value in settings.items()}
