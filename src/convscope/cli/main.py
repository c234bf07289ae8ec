"""`convscope`: the command line. Each command is one thin file, imported only when it is called."""

import signal
import sys

from cyclopts import App
from rich.console import Console
from rich.theme import Theme

from convscope.cli.ending import Ending, describe_ending
from convscope.cli.examples import print_examples
from convscope.cli.output import let_go_of_stdout, log_console, prepare_streams, result_console
from convscope.cli.process import QuickEnd, tune_process
from convscope.cli.screen import print_message
from convscope.errors import InterruptedTrainingError

DEBUG_FLAG = "--debug"
HELP_FLAGS = ("--help", "-h")
CALM = {"cyclopts.required": "bold", "cyclopts.required_marker": "bold cyan"}
"""What must be given is no alarm."""

app = App(
    name="convscope",
    help="Train convolutional image classifiers, see what they learned, prove whether a change helped.",
    version="0.1.0",
    help_flags=HELP_FLAGS,
    console=Console(theme=Theme(CALM)),
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
    "diagnose": (
        "convscope.cli.diagnose:diagnose",
        "What is wrong with a run, how sure that is, and what to do.",
    ),
    "refit": (
        "convscope.cli.refit:refit",
        "Fit a pretrained network's head again on corrected labels, in seconds.",
    ),
    "compare": ("convscope.cli.compare:compare", "Is it better, or luck? Paired tests and one verdict."),
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
    "benchmark": (
        "convscope.cli.benchmark:benchmark",
        "Time a network by batch size, beside the device's peak.",
    ),
    "reproduce": (
        "convscope.cli.reproduce:reproduce",
        "Run the published experiments again: reported beside measured.",
    ),
    "serve": (
        "convscope.cli.serve:serve",
        "Runs in the browser: look, try, compare; and the prediction API.",
    ),
    "networks": ("convscope.cli.lists:networks", "List the networks."),
    "datasets": ("convscope.cli.lists:datasets", "List the named data sets, and whether they are here."),
    "runs": ("convscope.cli.run_list:runs", "The runs of a folder: data, network, figures, time and state."),
    "cache": ("convscope.cli.cache:cache", "See or empty the cache of decoded images."),
}
for _order, (_name, (_place, _help)) in enumerate(COMMANDS.items()):
    app.command(_place, name=_name, help=_help, sort_key=_order)


def main() -> None:
    """Run the command line and exit with its code."""
    end = QuickEnd()
    tune_process()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # once more, while the one before was answered
        code = InterruptedTrainingError.exit_code
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # leaving takes a moment, and has nothing more to say
    end.code = code
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code, as `convscope.errors` gives them."""
    prepare_streams()
    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    asks_for_help = _asks_for_help(arguments)
    try:
        if asks_for_help and arguments and arguments[0] in COMMANDS:
            app[arguments[0]].help = None  # the line of the list; its own page has the whole docstring
        code = app(arguments, exit_on_error=False, print_error=False) or 0
        if asks_for_help:
            print_examples(result_console(), arguments[0] if arguments else "")
        sys.stdout.flush()  # here, where a full disk or a reader that is gone can still be told
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # how rich ends where nobody reads --help on
            return 0
        raise
    except BaseException as error:
        return _end(describe_ending(error), debug)
    return int(code)


def _asks_for_help(arguments: list[str]) -> bool:
    typed = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return not arguments or any(flag in typed for flag in HELP_FLAGS)


def _end(ending: Ending, debug: bool) -> int:
    """Say on stderr why the command ended; stdout holds results alone, with --json too."""
    if debug:
        import traceback

        traceback.print_exc()
    if ending.message:
        print_message(log_console(), f"{ending.prefix}{ending.message}")
    try:
        sys.stdout.flush()
    except OSError:
        let_go_of_stdout()
    return ending.code
