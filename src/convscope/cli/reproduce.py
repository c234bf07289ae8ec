"""`convscope reproduce`: the published experiments, run again, reported beside measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from convscope.cli.output import log_console, print_json, result_console
from convscope.cli.screen import print_line, print_whole
from convscope.config.experiment_file import Published
from convscope.config.reference import Reference
from convscope.wording import here

if TYPE_CHECKING:
    from convscope.trials.cards import Card

RUNS = Path("runs")


def reproduce(
    experiment: str | None = None,
    /,
    *,
    seeds: int | None = None,
    scale: float = 1.0,
    source: str | None = None,
    runs: Path = RUNS,
    results: Path | None = None,
    json: bool = False,
) -> int:
    """Run a published experiment again, and put what it reported beside what is measured.

    Parameters
    ----------
    experiment
        Its name; without one, all are listed.
    seeds
        How many trainings; five where one takes under 5 minutes, one otherwise.
    scale
        This share of the steps: a try, and no reproduction.
    source
        Other data than the experiment's own.
    runs
        Folder in which runs are made.
    results
        Folder in which result cards are kept; experiments/results in the repository.
    json
        Print one JSON document on stdout.
    """
    from convscope.trials.experiments import experiment_paths, find_experiment, reference_of

    if experiment is None:
        rows = [_listed(find_experiment(name), _card_folders(runs, results)) for name in experiment_paths()]
        if json:
            print_json({"experiments": rows})
        else:
            _print_list(result_console(), rows)
        return 0
    published = find_experiment(experiment)
    card, path = _run(published, seeds, scale, source, runs, results)
    if json:
        print_json({"experiments": [_row(card, reference_of(published)) | {"card": str(path)}]})
    else:
        _print_card(result_console(), card, path)
    return 0


def _run(
    experiment: Published,
    seeds: int | None,
    scale: float,
    source: str | None,
    runs: Path,
    results: Path | None,
) -> tuple["Card", Path]:
    from convscope.cli.watching import Watcher
    from convscope.trials.cards import add_card
    from convscope.trials.reproduction import Wish
    from convscope.trials.reproduction import reproduce as reproduce_one

    with Watcher(log_console()) as watcher:
        wish = Wish(runs=runs, progress=lambda: watcher, seeds=seeds, scale=scale, source=source)
        card = reproduce_one(experiment, wish)
    path, _ = add_card(_card_folders(runs, results)[0 if card.is_whole else -1], card)
    return card, path


def _card_folders(runs: Path, results: Path | None) -> list[Path]:
    """Where cards are: new ones come into the first, tries at a smaller scale into the last."""
    from convscope.trials.experiments import results_folder
    from convscope.trials.reproduction import REPRODUCTIONS

    if results is not None:
        return [results]
    own, beside = results_folder(), runs / REPRODUCTIONS / "results"
    return [beside] if own is None else [own, beside]


def _listed(experiment: Published, folders: list[Path]) -> dict[str, Any]:
    from convscope.trials.cards import newest_card
    from convscope.trials.expected import expected_seconds
    from convscope.trials.experiments import reference_of
    from convscope.trials.saying import headline, reported_words

    reference = reference_of(experiment)
    card = newest_card(folders, experiment.name)
    figure = headline(reference)
    row = {
        "name": experiment.name,
        "source": reference.source,
        "shows": reference.shows,
        "reported": None if figure is None else figure.value,
        "reported_words": "–" if figure is None else reported_words(figure),
        "measured": None,
        "measured_words": "not yet",
        "verdict": None,
        "seconds": None,
        "expected_seconds": expected_seconds(reference, [] if card is None else [card]),
    }
    return row if card is None else row | _row(card, reference)


def _row(card: "Card", reference: Reference) -> dict[str, Any]:
    from convscope.trials.saying import headline_of, measured_words

    result = headline_of(card, reference)
    return {
        "name": card.experiment,
        "reported": None if result is None else result.reported.get("value"),
        "measured": None if result is None else result.measured.to_dict(),
        "measured_words": "–" if result is None else measured_words(result),
        "verdict": card.verdict,
        "seconds": sum(card.seconds),
    }


def _print_list(console: Console, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(row)


def _print_card(console: Console, card: "Card", path: Path) -> None:
    from convscope.trials.saying import measured_words

    for name, result in card.figures.items():
        print_line(console, name, measured_words(result), str(result.verdict))
    print_line(console, "verdict", card.verdict, card.why)
    print_whole(console, "card", here(path))
