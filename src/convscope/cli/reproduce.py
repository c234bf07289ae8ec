"""`convscope reproduce`: the published experiments, run again, reported beside measured."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from convscope.cli.flags import WholeNumber
from convscope.cli.output import log_console, print_json, reason, result_console, warn
from convscope.config.checks import parse_duration
from convscope.errors import ConvscopeError, InterruptedTrainingError, UsageError
from convscope.wording import command

if TYPE_CHECKING:
    from convscope.trials.reproducing.selection import LeftOut
    from convscope.trials.reproducing.trainings import Wish

RUNS = Path("runs")
FAILED = 1


def reproduce(
    experiment: str | None = None,
    /,
    *,
    all: Annotated[bool, Parameter(negative="")] = False,
    budget: str | None = None,
    seeds: WholeNumber | None = None,
    scale: float = 1.0,
    source: str | None = None,
    check: Path | None = None,
    runs: Path = RUNS,
    results: Path | None = None,
    json: bool = False,
) -> int:
    """Run a published experiment again, and put what its source reported beside what is measured.

    Without a name all experiments are listed. What is finished is kept: interrupted, it goes on where it was.

    Parameters
    ----------
    experiment
        Its name.
    all
        Run all that have no result card yet, the most telling and shortest first.
    budget
        As --all, with as many as so much time holds: 30m, 2h. What is left out is said.
    seeds
        How many trainings of each; 5 where one takes under 5 minutes, 1 otherwise.
    scale
        This share of the steps, as in 0.1: a try, and no reproduction.
    source
        Other data than the experiment's own.
    check
        A result card: run its experiment again, and judge the two.
    runs
        Folder in which runs are made, in RUNS/reproduce/EXPERIMENT/seed-0.
    results
        Folder in which result cards are kept; experiments/results where convscope runs from its repository.
    json
        Print one JSON document on stdout.
    """
    budgeted = _refuse_what_does_not_go_together(experiment, all, budget, seeds, scale, source, check)
    from convscope.cli.reproductions import Cards
    from convscope.cli.watching import Watcher
    from convscope.trials.reproducing.trainings import Wish

    cards = Cards(runs, results)
    if experiment is None and check is None and not all and budget is None:
        return _list(cards, json)
    typed: dict[str, object] = {
        "--budget": budget,
        "--seeds": seeds,
        "--scale": None if scale == 1 else f"{scale:g}",
    }
    typed |= {"--source": source, "--check": check, "--runs": None if runs == RUNS else runs}
    again = _command(experiment, all, typed | {"--results": results})
    with ExitStack() as stack:
        watcher = stack.enter_context(Watcher(log_console()))
        wish = Wish(runs=runs, progress=lambda: watcher, seeds=seeds, scale=scale, source=source)
        try:
            if check is not None:
                return _check(check, wish, stack, json)
            if experiment is not None:
                return _reproduce_one(experiment, wish, cards, stack, json)
            return _reproduce_all(wish, budgeted, cards, json)
        except (InterruptedTrainingError, KeyboardInterrupt) as error:
            said = str(error).splitlines()
            what = said[0] if said else "stopped; what is finished is kept."
            raise InterruptedTrainingError(f"{what}\nGo on with: {again}") from None


def _refuse_what_does_not_go_together(
    experiment: str | None,
    all: bool,
    budget: str | None,
    seeds: int | None,
    scale: float,
    source: str | None,
    check: Path | None,
) -> float | None:
    """Returns the budget in seconds."""
    given = {"EXPERIMENT": experiment, "--all": all or budget, "--check": check}
    several = [name for name, value in given.items() if value]
    if len(several) > 1:
        raise UsageError(f"{' and '.join(several)} are two things to do; give one of them")
    if seeds is not None and seeds < 1:
        raise UsageError(f"--seeds: {seeds} is not a number of trainings; it takes 1 and more")
    if not 0 < scale <= 1:
        raise UsageError(f"--scale: {scale:g} is no share of the steps; it takes a number above 0, up to 1")
    if source is not None and experiment is None:
        raise UsageError("--source gives one experiment other data; name it: convscope reproduce EXPERIMENT")
    if check is not None and (seeds is not None or scale != 1):
        raise UsageError("--check runs what the card says, seeds and scale: leave --seeds and --scale out")
    if budget is None:
        return None
    seconds = parse_duration(budget)
    if seconds != seconds:
        raise UsageError(f"--budget: '{budget}' is no time; it takes 90s, 30m or 2h")
    return seconds


def _command(experiment: str | None, all: bool, flags: dict[str, object]) -> str:
    """What was typed, to be typed again."""
    words = [] if experiment is None else [experiment]
    words += ["--all"] if all else []
    for flag, value in flags.items():
        words += [] if value is None else [flag, str(value)]
    return command("convscope", "reproduce", *words)


def _list(cards: Any, json: bool) -> int:
    from convscope.cli.reproductions import listed, print_list
    from convscope.trials.reproducing.experiments import experiment_paths, find_experiment

    experiments = [find_experiment(name) for name in experiment_paths()]
    rows = [listed(each, cards.newest(each.name)) for each in experiments]
    if json:
        print_json({"experiments": rows})
    else:
        print_list(result_console(), rows)
    return 0


def _reproduce_one(name: str, wish: "Wish", cards: Any, stack: ExitStack, json: bool) -> int:
    from convscope.cli.reproductions import draw_pictures, listed, print_card, print_pictures
    from convscope.trials.reproducing.experiments import find_experiment
    from convscope.trials.reproducing.reproduction import reproduce

    experiment = find_experiment(name)
    card = reproduce(experiment, wish)
    path = cards.add(card)
    pictures = draw_pictures(card, wish.runs)
    stack.close()  # the clock of what is quiet stops
    if json:
        kept = {"card": str(path), "pictures": [str(each) for each in pictures]}
        print_json({"experiments": [listed(experiment, card) | kept]})
    else:
        print_card(result_console(), experiment, card, path)
        print_pictures(result_console(), pictures)
    return 0


def _reproduce_all(wish: "Wish", budget: float | None, cards: Any, json: bool) -> int:
    from convscope.cli.reproductions import draw_pictures, listed, print_left_out, print_row
    from convscope.trials.reproducing.experiments import experiment_paths, find_experiment
    from convscope.trials.reproducing.reproduction import reproduce
    from convscope.trials.reproducing.selection import LeftOut, plan, too_long

    experiments = [find_experiment(name) for name in experiment_paths()]
    planned, left_out = plan([(each, cards.newest(each.name)) for each in experiments], wish, budget)
    begun, rows, failed = time.monotonic(), [], []
    for each in planned:
        left = float("inf") if budget is None else budget - (time.monotonic() - begun)
        if each.seconds > left:
            left_out.append(LeftOut(each.experiment.name, too_long(each.seconds, left)))
            continue
        try:
            card = reproduce(each.experiment, wish)
            cards.add(card)
            draw_pictures(card, wish.runs)
        except InterruptedTrainingError:
            raise
        except ConvscopeError as error:  # the others are worth having
            warn(f"{each.experiment.name}: {reason(error)}")
            failed.append(LeftOut(each.experiment.name, str(error)))
            continue
        rows.append(listed(each.experiment, card))
        if not json:
            print_row(result_console(), rows[-1])
    if json:
        print_json({"experiments": rows, "left_out": _named(left_out), "failed": _named(failed)})
    else:
        print_left_out(result_console(), left_out, failed)
    return FAILED if failed else 0


def _named(left_out: "Sequence[LeftOut]") -> list[dict[str, str]]:
    return [{"name": each.name, "why": each.why} for each in left_out]


def _check(path: Path, wish: "Wish", stack: ExitStack, json: bool) -> int:
    from convscope.cli.reproductions import print_check
    from convscope.trials.cards.card import read_card
    from convscope.trials.reproducing.checking import check

    found = check(read_card(path), path.stem, wish)
    stack.close()
    if json:
        print_json(found.to_dict())
    else:
        print_check(result_console(), found)
    return 0 if found.holds else FAILED
