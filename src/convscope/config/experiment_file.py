"""Reading and writing experiments: TOML files, plain dictionaries, and flags that override them."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convscope.config.asked import LENGTHS, ExperimentConfig
from convscope.config.checks import check_fields, said
from convscope.config.kinds import FeaturesSetting, RaceSetting, SummarySetting, TimingSetting
from convscope.config.reference import Reference
from convscope.errors import UsageError
from convscope.wording import command, meant, near


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """A change that tests why a figure is another than the source's, in `[[ablations]]`."""

    name: str = field(default="", metadata={"check": said})
    """In a word or two, as a folder may be called."""

    says: str = field(default="", metadata={"check": said})
    """What is changed, in words."""

    changes: dict[str, Any] = field(default_factory=dict)
    """Other values by their dotted names: `{"training.steps" = 20_000}`."""

    def __post_init__(self) -> None:
        check_fields(self, "ablations")


Setting = ExperimentConfig | SummarySetting | TimingSetting | RaceSetting | FeaturesSetting
"""What an experiment file describes: a training, or one of the kinds that train nothing of their own."""

KINDS: dict[str, type[Any]] = {
    "summary": SummarySetting,
    "timing": TimingSetting,
    "race": RaceSetting,
    "features": FeaturesSetting,
}
"""The section that makes a file one of a kind that trains nothing."""


@dataclass(frozen=True)
class Published:
    """An experiment file, whole.

    Attributes:
        name: the file's.
        setting: what is done.
        reference: what the source reported, if the file says so.
        ablations: what tests why it differs.
    """

    name: str
    setting: Setting
    reference: Reference | None
    ablations: tuple[Ablation, ...]


def read_experiment(path: Path) -> ExperimentConfig:
    """The training in a TOML file. What its source reported is checked, and is no setting.

    Raises:
        UsageError: when the file is absent, is not TOML, says something that the schema does not know, or
            describes something else than a training.
    """
    setting = read_published(path).setting
    if isinstance(setting, ExperimentConfig):
        return setting
    raise UsageError(
        f"{path} describes no training. It is run by: {command('convscope', 'reproduce', path.stem)}"
    )


def read_reference(path: Path) -> Reference | None:
    """What the source of an experiment reported, if its TOML file says so; raises as `read_published`."""
    return read_published(path).reference


def read_published(path: Path) -> Published:
    """All that an experiment file says.

    Raises:
        UsageError: when the file is absent, is not TOML, or says something that the schema does not know.
    """
    values = _read_toml(path)
    try:
        reported = values.pop("reference", None)
        reference = None if reported is None else _section(Reference, reported, "reference")
        ablations = _tables(Ablation, values.pop("ablations", []), "ablations")
        setting = _setting(values)
        for ablation in ablations:
            if not isinstance(setting, ExperimentConfig):
                raise UsageError("[[ablations]] are changes of a training, and there is none")
            override(setting, ablation.changes)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return Published(path.stem, setting, reference, ablations)


def _setting(values: dict[str, Any]) -> Setting:
    kind = next((name for name in KINDS if name in values), None)
    if kind is None:
        return experiment_from_dict(values)
    others = [name for name in values if name != kind]
    if others:
        raise UsageError(f"[{kind}] stands alone, and [{others[0]}] is there too")
    setting: Setting = _section(KINDS[kind], values[kind], kind)
    return setting


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path} does not exist; the experiments that come along are listed by: convscope reproduce"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def experiment_from_dict(values: Any) -> ExperimentConfig:
    """The inverse of `experiment_to_dict`; every unknown key is an error."""
    if not isinstance(values, dict):
        raise UsageError("an experiment is a table of sections: data, preprocessing, network, training …")
    config: ExperimentConfig = _build(ExperimentConfig, values, "")
    return config


def experiment_to_dict(config: ExperimentConfig) -> dict[str, Any]:
    """Sections of plain values, for JSON."""
    return dataclasses.asdict(config)


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """`{"training": {"steps": 5}}` -> `{"training.steps": 5}`."""
    found: dict[str, Any] = {}
    for section, values in config.items():
        if isinstance(values, Mapping):
            found |= {f"{section}.{name}": value for name, value in values.items()}
        else:
            found[section] = values
    return found


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
            target = target.setdefault(section, {})
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
        elif typing.get_origin(hints[key]) is tuple and isinstance(value, list | tuple):
            each = typing.get_args(hints[key])[0]
            arguments[key] = _tables(each, value, name) if dataclasses.is_dataclass(each) else tuple(value)
        else:
            arguments[key] = value
    return cls(**arguments)


def _section(cls: Any, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise UsageError(f"{name} = {value!r} is not allowed; it is a section, [{name}]")
    return _build(cls, value, name)


def _tables(cls: Any, values: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise UsageError(f"{name} = {values!r} is not allowed; it is a list of tables, [[{name}]]")
    return tuple(_section(cls, value, name) for value in values)
