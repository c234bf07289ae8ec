"""Command-line flags made from the configuration's dataclasses: one schema, one help text for each field."""

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

from convscope.config.fields import Setting, flag_of, settings
from convscope.errors import UsageError


def whole_number(_hint: Any, tokens: Sequence[Token]) -> int:
    """One word of the command line as a number; 1.5 is refused, not rounded."""
    token = tokens[0]
    try:
        return int(token.value)
    except ValueError:
        where = token.keyword or "argument"
        raise UsageError(f"{where}: '{token.value}' is not a whole number") from None


GROUPS = {
    name: Group(title, sort_key=place)
    for place, (name, title) in enumerate(
        {
            "first": "Flags that matter first",
            "other": "Other flags",
            "data": "Data: how images are divided",
            "preprocessing": "Images: what is done to all of them",
            "augmentation": "Augmentation: what is done to training images at random",
            "network": "Network: its form and the weights it starts from",
            "training": "Training: how the weights are found",
            "fine-tuning": "Fine-tuning of a pretrained network",
            "records": "What is kept while it trains",
            "machine": "Machine",
        }.items()
    )
}
"""Where `--help` shows a setting: in its section's group, or in one of `GROUP_OF`."""

FIRST, OTHER = GROUPS["first"], GROUPS["other"]

GROUP_OF = {
    **dict.fromkeys(("epochs", "time", "network", "folds"), FIRST),
    "seed": GROUPS["data"],
    **dict.fromkeys(
        ("frozen", "head_scale", "frozen_share", "rate_decay", "frozen_statistics"), GROUPS["fine-tuning"]
    ),
    **dict.fromkeys(
        ("checkpoint_every", "keep_checkpoints", "record_every", "validate_every", "record_histograms"),
        GROUPS["records"],
    ),
    **dict.fromkeys(("device", "threads", "precision"), GROUPS["machine"]),
}

WholeNumber = Annotated[int, Parameter(converter=whole_number)]


def with_experiment_flags(
    *, unlisted: Sequence[str] = ()
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command one flag for each setting of an experiment.

    The command takes them as `overrides`, `{"training.steps": 100}`: only what was typed, so that defaults,
    experiment file and flags keep their order.

    Args:
        unlisted: of `GROUPS`, those whose flags `--help` does not list: they are understood, so that what was
            typed for train may stand here too.
    """
    return functools.partial(_with_flags, hidden=[GROUPS[name] for name in unlisted])


def _with_flags(command: Callable[..., int], hidden: Sequence[Group]) -> Callable[..., int]:
    known = settings()
    signature = inspect.signature(command)
    own = [parameter for name, parameter in signature.parameters.items() if name != "overrides"]
    flags = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotate(name, setting, hidden)
        )
        for name, setting in known.items()
    ]

    @functools.wraps(command)
    def call(*arguments: Any, **named: Any) -> int:
        typed = {known[name].field: named.pop(name) for name in list(named) if name in known}
        overrides = {field: value for field, value in typed.items() if value is not None}
        try:
            return command(*arguments, **named, overrides=overrides)
        except UsageError as error:
            raise UsageError(_as_typed(str(error), overrides)) from error

    call.__signature__ = signature.replace(parameters=[*own, *flags])  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *flags]}
    return call


def _as_typed(message: str, overrides: dict[str, Any]) -> str:
    """`training.epochs = -1 is not allowed` -> `--epochs -1 is not allowed`, where that was typed."""
    field = message.partition(" = ")[0]
    return message.replace(f"{field} =", flag_of(field), 1) if field in overrides else message


def typed_flags(overrides: dict[str, Any], *, but: str = "") -> list[str]:
    """Settings as they are typed, `--steps 100 --frozen`; all but one."""
    typed: list[str] = []
    for field, value in overrides.items():
        flag = flag_of(field)
        if field == but:
            continue
        if isinstance(value, bool):
            typed.append(flag if value else flag.replace("--", "--no-", 1))
        else:
            typed += [flag, str(value)]
    return typed


def _annotate(name: str, setting: Setting, hidden: Sequence[Group]) -> Any:
    text = setting.help.replace("`", "")
    if setting.default not in (None, False):
        text = f"{text} [default: {setting.default}]"
    negative = None if bool in (setting.hint, *typing.get_args(setting.hint)) else ""
    group = GROUP_OF.get(name) or GROUPS[setting.section]
    is_whole = int in (setting.hint, *typing.get_args(setting.hint))
    return Annotated[
        setting.hint | None,
        Parameter(
            help=text,
            group=group,
            negative=negative,
            show=group not in hidden,
            show_default=False,
            converter=whole_number if is_whole else None,
        ),
    ]
