"""How a command ends that does not end well: what is said, and the exit code."""

from dataclasses import dataclass

from cyclopts.exceptions import CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError

from convscope.cli.output import reason
from convscope.errors import FULL, ConvscopeError, InterruptedTrainingError, UsageError
from convscope.wording import listed

NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class Ending:
    """One to three lines for stderr, without a traceback.

    Attributes:
        message: nothing where a reader has stopped reading.
        code: as `convscope.errors` gives them.
        prefix: `error: `, but for a stop that was asked for.
    """

    message: str
    code: int
    prefix: str = "error: "


def describe_ending(error: BaseException) -> Ending:
    """What to say of an error."""
    if isinstance(error, CycloptsError):
        return Ending(_usage(error), UsageError.exit_code)
    if isinstance(error, InterruptedTrainingError):
        return Ending(str(error), error.exit_code, prefix="")
    if isinstance(error, ConvscopeError):
        return Ending(str(error), error.exit_code)
    if _was_interrupted(error):
        return Ending("stopped", InterruptedTrainingError.exit_code, prefix="")
    if isinstance(error, BrokenPipeError):
        return Ending("", 0)
    return Ending(_from_outside(error) or _fault(error), ConvscopeError.exit_code)


def _was_interrupted(error: BaseException | None) -> bool:
    """Libraries turn a Ctrl-C into errors of their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _from_outside(error: BaseException) -> str:
    """A disk, a permission or a memory is nobody's fault in here; nothing for another error."""
    text = str(error)
    if (isinstance(error, OSError) and error.errno in FULL) or "No space left on device" in text:
        return f"{reason(error)}\nMake room on that disk, or write elsewhere; what was saved before is whole."
    if isinstance(error, MemoryError) or any(words in text.casefold() for words in NO_MEMORY):
        return "not enough memory. Try a smaller --batch-size or smaller images."
    return reason(error) if isinstance(error, OSError) else ""


def _fault(error: BaseException) -> str:
    what = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
    return f"{what}\nThis is a fault in convscope; --debug shows where."


def _usage(error: CycloptsError) -> str:
    """What was wrong with the command line, in one line."""
    if isinstance(error, CoercionError) and error.token is not None and error.target_type in (int, float):
        kind = "a whole number" if error.target_type is int else "a number"
        return f"{error.token.keyword or 'argument'}: '{error.token.value}' is not {kind}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return (
            f"{error.argument.name} is missing. See: convscope {' '.join(error.command_chain or ())} --help"
        )
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        name = " ".join(error.command_chain or ())
        more = listed([f"'{token}'" for token in error.unused_tokens])
        return f"{more}: more than convscope {name} takes. See: convscope {name} --help"
    return " ".join(str(error).split())
