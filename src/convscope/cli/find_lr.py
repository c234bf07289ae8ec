"""`convscope find-lr`: which learning rate to train with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from convscope.cli.flags import typed_flags, with_experiment_flags
from convscope.cli.output import log_console, print_json, result_console, try_to
from convscope.cli.picture_place import check_picture, free_place
from convscope.cli.screen import print_line, print_whole
from convscope.cli.watching import Watcher
from convscope.face.settings import experiment_for
from convscope.wording import command, here
from convscope.work import working

if TYPE_CHECKING:
    from convscope.face.rates import FoundRate
    from convscope.training.plan import Plan


@with_experiment_flags(unlisted=("records",))
def find_lr(
    data: str, /, *, picture: Path | None = None, json: bool = False, overrides: dict[str, Any]
) -> int:
    """Find a learning rate: train a copy for 100 steps while the rate grows, and see where the loss falls.

    Parameters
    ----------
    data
        As for train: a folder, a .zip or .tar, a .csv or .parquet, a name, or an experiment's .toml.
    picture
        Where to write the chart, .png or .svg; NAME-learning-rate.png unless given.
    json
        Print one JSON document on stdout.
    """
    check_picture(picture)
    log = log_console()
    with Watcher(log):
        from convscope.face.rates import plan_search

        plan, name = plan_search(experiment_for(data, overrides))
    for choice in plan.choices:
        Watcher(log).on_choice(choice)
    search = _search(plan, name, log)
    path = picture or free_place(Path(data).stem if data.endswith(".toml") else name, "learning-rate")
    following = command(
        "convscope", "train", data, *typed_flags(overrides, but="training.learning_rate"), *_rate_flag(search)
    )
    console = result_console()
    if not json:
        for line in search.lines:
            print_line(console, *line)
        console.file.flush()  # results first: the chart of them may fail
    drawn = try_to(lambda: _write(search, path), otherwise=f"the picture {path} was not drawn")
    if json:
        print_json(search.to_dict() | {"picture": None if drawn is None else str(path), "next": following})
        return 0
    if drawn is not None:
        print_whole(console, "picture", here(path))
    print_whole(console, "next", following)
    return 0


def _search(plan: "Plan", name: str, log: Console) -> "FoundRate":
    from convscope.face.rates import search
    from convscope.training.learning_rate_finder import NUM_STEPS

    with Watcher(log), working("searching, step", NUM_STEPS) as work:
        return search(plan, name, lambda step: work.advance(step - work.done))


def _write(search: "FoundRate", path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return search.picture().save(path)


def _rate_flag(search: "FoundRate") -> list[str]:
    return ["--learning-rate", f"{search.proposed:.2g}"]
