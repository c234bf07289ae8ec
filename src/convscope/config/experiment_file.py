"""Reading and writing experiments: TOML files, plain dictionaries, and flags that override them."""

import dataclasses
import tomllib
import typing
from pathlib import Path
from typing import Any

from convscope.config.asked import LENGTHS, ExperimentConfig
from convscope.config.reference import Reference
from convscope.errors import UsageError
from convscope.wording import meant, near


def read_experiment(path: Path) -> ExperimentConfig:
    """The experiment in a TOML file. Its section `[reference]` is checked, and is no setting.

    Raises:
        UsageError: when the file is absent, is not TOML, or says something that the schema does not know.
    """
    return _read(path)[0]


def read_reference(path: Path) -> Reference | None:
    """What the source of an experiment reported, if its TOML file says so; raises as `read_experiment`."""
    return _read(path)[1]


def _read(path: Path) -> tuple[ExperimentConfig, Reference | None]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path} does not exist; the experiments that come along are in experiments/"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    reported = values.pop("reference", None)
    try:
        reference = None if reported is None else _section(Reference, reported, "reference")
        return experiment_from_dict(values), reference
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def experiment_from_dict(values: Any) -> ExperimentConfig:
    """The inverse of `experiment_to_dict`; every unknown key is an error."""
    if not isinstance(values, dict):
        raise UsageError("an experiment is a table of sections: data, preprocessing, network, training …")
    config: ExperimentConfig = _build(ExperimentConfig, values, "")
    return config


def experiment_to_dict(config: ExperimentConfig) -> dict[str, Any]:
    """Sections of plain values, for JSON."""
    return dataclasses.asdict(config)


def override(config: ExperimentConfig, values: dict[str, Any]) -> ExperimentConfig:
    """The same experiment with some fields changed; a length replaces the one that was said before.

    Args:
        config: where to start.
        values: `{"training.steps": 100, "seed": 1}`; names are `section.field`, or `field` at the top.
    """
    merged = experiment_to_dict(config)
    if any(values.get(f"training.{name}") is not None for name in LENGTHS):
        merged["training"] |= dict.fromkeys(LENGTHS)
    for dotted, value in values.items():
        *sections, name = dotted.split(".")
        target = merged
        for section in sections:
            target = target[section]
        target[name] = value
    return experiment_from_dict(merged)


def _build(cls: type[Any], values: dict[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(cls)
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if key not in hints:
            hint = meant(near(key, hints, 1), f"known: {', '.join(hints)}")
            raise UsageError(f"{name} is not a setting; {hint}")
        if dataclasses.is_dataclass(hints[key]):
            arguments[key] = _section(hints[key], value, name)
        else:
            arguments[key] = value
    return cls(**arguments)


def _section(cls: Any, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise UsageError(f"{name} = {value!r} is not allowed; it is a section, [{name}]")
    return _build(cls, value, name)
