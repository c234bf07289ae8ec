"""`convscope train … --seeds N`: a group of runs, shown as one."""

from pathlib import Path
from typing import Any

from rich.console import Console

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.screen import print_line, print_whole
from convscope.cli.watching import Watcher
from convscope.config.asked import ExperimentConfig
from convscope.errors import InterruptedTrainingError
from convscope.trials.guarding import Guarded
from convscope.trials.seeds import Group, train_group
from convscope.wording import command, duration, here, some


def train_seeds(
    config: ExperimentConfig, runs: Path, name: str | None, seeds: int, json: bool, *, guard: bool = False
) -> int:
    """Train a group and say what came of it.

    Raises:
        ConvscopeError: as training raises them.
    """
    try:
        with Watcher(log_console()) as watcher:
            listener = Guarded(watcher) if guard else watcher
            group = train_group(config, seeds=seeds, runs=runs, name=name, progress=lambda: listener)
    except InterruptedTrainingError as error:
        stopped = str(error).splitlines()[0]
        raise InterruptedTrainingError(
            f"{stopped}\nThe group goes on with the same command and its --name: what is finished stays"
        ) from None
    document = group.to_dict()
    if json:
        print_json(document)
        return 0
    _print(result_console(), group, document)
    return 0


def _print(console: Console, group: Group, document: dict[str, Any]) -> None:
    for split in ("validation", "test"):
        found = group.figure(split)
        if found is not None:
            figure, mean = found
            print_line(console, split, str(mean), "" if figure == "accuracy" else figure)
    seconds = [each for each in document["seconds"]["train"] if each is not None]
    print_line(console, "time", f"training {duration(sum(seconds))}", some(len(group.runs), "run"))
    print_line(console, "group", here(group.path), "one recipe: the seeds differ, the split does not")
    print_whole(console, "next", command("convscope", "compare", group.path, "OTHER"))
