"""Command-line flags made from the configuration's dataclasses: one schema, one help text for each field."""

import ast
import dataclasses
import functools
import inspect
import textwrap
import typing
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from convscope.config.experiment import ExperimentConfig


def with_experiment_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command one flag for each field of an experiment.

    The command takes them as `overrides`, `{"training.steps": 100}`: only what was typed, so that defaults,
    experiment file and flags keep their order.
    """
    flags = _flags()
    signature = inspect.signature(command)
    own = [parameter for name, parameter in signature.parameters.items() if name != "overrides"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, (_, annotation) in flags.items()
    ]

    @functools.wraps(command)
    def call(*arguments: Any, **named: Any) -> int:
        typed = {name: named.pop(name) for name in flags if named.get(name) is not None}
        return command(*arguments, **{k: v for k, v in named.items() if k not in flags}, overrides={flags[name][0]: value for name, value in typed.items()})

    call.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in [*own, *added]}
    return call


@functools.cache
def _flags() -> dict[str, tuple[str, Any]]:
    """Flag name -> (dotted field, annotated type)."""
    found: dict[str, tuple[str, Any]] = {}
    hints = typing.get_type_hints(ExperimentConfig)
    for field in dataclasses.fields(ExperimentConfig):
        if dataclasses.is_dataclass(hints[field.name]):
            found |= _section_flags(hints[field.name], field.name)
    top = {"seed": ("seed", _annotate(int, _field_help(ExperimentConfig)["seed"], 0, "Training"))}
    return top | found


def _section_flags(cls: type[Any], section: str) -> dict[str, tuple[str, Any]]:
    hints, texts = typing.get_type_hints(cls), _field_help(cls)
    flags = {}
    for field in dataclasses.fields(cls):
        if (section, field.name) == ("data", "source"):
            continue  # it is the command's argument
        name = field.metadata.get("flag", field.name)
        annotation = _annotate(hints[field.name], texts[field.name], field.default, section.capitalize())
        flags[name] = (f"{section}.{field.name}", annotation)
    return flags


def _annotate(hint: Any, text: str, default: Any, group: str) -> Any:
    if default not in (None, False):
        text = f"{text} [default: {default}]"
    negative = None if bool in (hint, *typing.get_args(hint)) else ""
    return Annotated[hint | None, Parameter(help=text, group=group, negative=negative, show_default=False)]


def _field_help(cls: type[Any]) -> dict[str, str]:
    """The docstring under each field of a dataclass."""
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
    texts = {}
    for statement, following in zip(body, body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            text = typing.cast(ast.Constant, following.value).value
            texts[typing.cast(ast.Name, statement.target).id] = " ".join(str(text).split())
    return texts
