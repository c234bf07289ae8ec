"""Every setting of an experiment by its short name, as flags and the Python face spell it."""

import ast
import dataclasses
import functools
import inspect
import itertools
import textwrap
import typing
from dataclasses import dataclass
from typing import Any

from convscope.config.asked import ExperimentConfig

SOURCE = ("data", "source")


@dataclass(frozen=True)
class Setting:
    """One field of the configuration.

    Attributes:
        field: `training.steps`, or `seed` at the top.
        hint: its type.
        default: its value when nothing is said.
        help: the docstring under the field.
        section: `training`, or an empty text at the top.
    """

    field: str
    hint: Any
    default: Any
    help: str
    section: str


@functools.cache
def settings() -> dict[str, Setting]:
    """Short name -> setting, in the schema's order; without the data's source, which is an argument."""
    return _settings_of(ExperimentConfig, "")


def flag_of(field: str) -> str:
    """`training.learning_rate` -> `--learning-rate`."""
    return next(
        (f"--{name.replace('_', '-')}" for name, each in settings().items() if each.field == field),
        f"--{field.rpartition('.')[2]}",
    )


def _settings_of(cls: type[Any], section: str) -> dict[str, Setting]:
    hints, texts = typing.get_type_hints(cls), _docstrings(cls)
    found: dict[str, Setting] = {}
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            found |= _settings_of(typing.cast(type[Any], hints[field.name]), field.name)
        elif (section, field.name) != SOURCE:
            dotted = f"{section}.{field.name}" if section else field.name
            name = field.metadata.get("flag", field.name)
            found[name] = Setting(dotted, hints[field.name], field.default, texts[field.name], section)
    return found


def _docstrings(cls: type[Any]) -> dict[str, str]:
    """The docstring under each field of a dataclass."""
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
    texts = {}
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            text = typing.cast(ast.Constant, following.value).value
            texts[typing.cast(ast.Name, statement.target).id] = " ".join(str(text).split())
    return texts
