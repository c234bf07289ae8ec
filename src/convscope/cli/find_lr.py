"""`convscope find-lr`: which learning rate to train with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from convscope.cli.flags import asked_experiment, check_picture, typed_flags, with_experiment_flags
from convscope.cli.output import is_live, log_console, print_json, result_console, try_to
from convscope.cli.screen import print_line, print_whole
from convscope.config.resolved import ResolvedExperiment
from convscope.wording import command, here, some

if TYPE_CHECKING:
    from convscope.report.charts.vector import AnyChart
    from convscope.training.learning_rate_finder import LearningRateSearch


@with_experiment_flags
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
    config = asked_experiment(data, overrides)
    from convscope.cli.watching import Watcher
    from convscope.data.survey import survey
    from convscope.training.plan import plan_experiment

    found = survey(config.data)
    plan = plan_experiment(config, found)
    log = log_console()
    for choice in plan.choices:
        if choice.what != "plan":  # it names a learning rate, which is what we look for
            Watcher(log).on_choice(choice)
    search = _search(plan.config, log)
    path = picture or Path(f"{_stem(data, found.name)}-learning-rate.png")
    following = command(
        "convscope", "train", data, *typed_flags(overrides, but="training.learning_rate"), *_rate_flag(search)
    )
    console = result_console()
    if not json:
        _print(console, plan.config, search)
        console.file.flush()  # results first: the chart of them may fail
    drawn = try_to(lambda: _write(_chart(search), path), otherwise=f"the picture {path} was not drawn")
    if json:
        print_json(search.to_dict() | {"picture": None if drawn is None else str(path), "next": following})
        return 0
    if drawn is not None:
        print_whole(console, "picture", here(path))
    print_whole(console, "next", following)
    return 0


def _search(config: ResolvedExperiment, log: Console) -> "LearningRateSearch":
    from rich.progress import Progress

    from convscope.training.learning_rate_finder import NUM_STEPS, find_learning_rate

    with Progress(console=log, transient=True, disable=not is_live(log)) as progress:
        task = progress.add_task("searching", total=NUM_STEPS)
        return find_learning_rate(config, on_step=lambda step: progress.update(task, completed=step))


def _chart(search: "LearningRateSearch") -> "AnyChart":
    from convscope.report.charts.signals import learning_rate_finder_chart

    return learning_rate_finder_chart(
        search.rates,
        search.losses,
        search.smoothed,
        proposed=search.proposed,
        steep=(search.steep_from, search.steep_to),
    )


def _write(chart: "AnyChart", path: Path) -> Path:
    from convscope.report.charts.vector import to_png, to_svg

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_svg(chart).encode() if path.suffix.lower() == ".svg" else to_png(chart))
    return path


def _stem(data: str, name: str) -> str:
    """`digits`, `photos`, or the experiment's name."""
    return Path(data).stem if data.endswith(".toml") else name.replace("/", "-").replace(":", "-")


def _rate_flag(search: "LearningRateSearch") -> list[str]:
    return ["--learning-rate", f"{search.proposed:.2g}"]


def _print(console: Console, config: ResolvedExperiment, search: "LearningRateSearch") -> None:
    training = config.training
    end = (
        "the loss does not explode up to there"
        if search.diverged_at is None
        else f"from {search.diverged_at:.2g} on the loss explodes"
    )
    print_line(
        console,
        "searched",
        f"{some(len(search.rates), 'step')} with {training.optimizer}, batch {training.batch_size}, "
        f"rates {search.rates[0]:.0e} to {search.rates[-1]:.2g}",
        end,
    )
    print_line(
        console,
        "steep",
        f"{search.steep_from:.2g} to {search.steep_to:.2g}",
        f"the loss falls to {min(search.smoothed):.3g}",
    )
    print_line(
        console,
        "rate",
        f"{search.proposed:.2g}",
        "below the valley's middle"
        + ("" if search.diverged_at is None else ", well before the loss explodes"),
    )
