"""`convscope`: the command line. Each command is one thin file, imported only when it is called."""

import os
import sys

from cyclopts import App
from cyclopts.exceptions import CoercionError, CycloptsError, MissingArgumentError

from convscope.cli.process import tune_process
from convscope.errors import ConvscopeError

DEBUG_FLAG = "--debug"

app = App(
    name="convscope",
    help="Train convolutional image classifiers, see what they learned, prove whether a change helped.",
    help_epilogue="Each command takes --help, --json (for machines) and --debug (to see the traceback).",
    version="0.1.0",
    result_action="return_value",
)
COMMANDS = {
    "train": (
        "convscope.cli.train:train",
        "Train a classifier: infer what is not said, and report how good it is.",
    ),
    "evaluate": (
        "convscope.cli.evaluate:evaluate",
        "Accuracy with its interval, per class, confusion, worst errors.",
    ),
    "predict": ("convscope.cli.predict:predict", "Class and probability of each image."),
    "look": ("convscope.cli.look:look", "Pictures of what a network has learned, and where it looks."),
    "report": ("convscope.cli.report:report", "Make a run's report.html again, from the run alone."),
    "data": (
        "convscope.cli.data:data",
        "Audit images before training: sizes, classes, broken, duplicate, leaking.",
    ),
    "find-lr": ("convscope.cli.find_lr:find_lr", "Find the learning rate to train with."),
    "summary": (
        "convscope.cli.summary:summary",
        "A network's layers: shapes, parameters, FLOPs, receptive fields.",
    ),
    "networks": ("convscope.cli.lists:networks", "List the networks."),
    "datasets": ("convscope.cli.lists:datasets", "List the named data sets, and whether they are here."),
    "runs": ("convscope.cli.lists:runs", "List the runs of a folder."),
    "cache": ("convscope.cli.cache:cache", "See or empty the cache of decoded images."),
}
for _order, (_name, (_place, _help)) in enumerate(COMMANDS.items()):
    app.command(_place, name=_name, help=_help, sort_key=_order)


def main() -> None:
    """Run the command line and exit with its code."""
    tune_process()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code, as `convscope.errors` gives them."""
    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    try:
        return app(arguments, exit_on_error=False, print_error=False) or 0
    except CycloptsError as error:
        return _fail(_usage(error), 2, debug)
    except ConvscopeError as error:
        return _fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return _fail("stopped", 130, debug)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        advice = "This is a fault in convscope; --debug shows where."
        what = " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])
        return _fail(f"{what}\n{advice}", 1, debug)


def _fail(message: str, code: int, debug: bool) -> int:
    """One to three lines on stderr; the traceback only where it was asked for."""
    if debug and sys.exc_info()[0] is not None:
        import traceback

        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return code


def _usage(error: CycloptsError) -> str:
    """What was wrong with the command line, in one line."""
    if isinstance(error, CoercionError) and error.token is not None and error.target_type in (int, float):
        kind = "a whole number" if error.target_type is int else "a number"
        return f"{error.token.keyword or 'argument'}: '{error.token.value}' is not {kind}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return (
            f"{error.argument.name} is missing. See: convscope {' '.join(error.command_chain or ())} --help"
        )
    return " ".join(str(error).split())
