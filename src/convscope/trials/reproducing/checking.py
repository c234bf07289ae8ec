"""A result card held against the same experiment, run again."""

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Published
from convscope.trials.cards.card import Card
from convscope.trials.cards.verdicts import Verdict, judge_repetition
from convscope.trials.reproducing.experiments import find_experiment
from convscope.trials.reproducing.reproduction import reproduce
from convscope.trials.reproducing.trainings import Trainings, Wish

MACHINE = ("processor", "cores", "device", "device_name", "threads", "packages")


@dataclass(frozen=True, kw_only=True)
class Check:
    """What came of running a card's experiment again.

    Attributes:
        again: the card that it would leave now.
        another: in which of `configuration`, `data` and `machine` the two differ.
        figures: by name, whether each figure of now lies where the card's say that it should.
    """

    card: Card
    again: Card
    another: tuple[str, ...]
    figures: dict[str, Verdict]

    @property
    def holds(self) -> bool:
        """Whether the same was run, and the same was found; another machine may find it."""
        same = not set(self.another) & {"configuration", "data"}
        return same and all(each.word in ("agrees", "not comparable") for each in self.figures.values())

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "experiment": self.card.experiment,
            "holds": self.holds,
            "another": list(self.another),
            "figures": {
                name: {
                    "card": result.measured.value,
                    "again": self.again.figures[name].measured.value if name in self.again.figures else None,
                    **self.figures[name].to_dict(),
                }
                for name, result in self.card.figures.items()
            },
        }


def check(card: Card, name: str, wish: Wish) -> Check:
    """Run a card's experiment again, in runs of their own called after `name`, and judge the two.

    A check that was interrupted goes on; one that was finished is made anew, by the versions of today.

    Raises:
        ConvscopeError: as `reproduce`.
    """
    experiment = find_experiment(card.experiment)
    wish = replace(wish, scale=card.scale, seeds=len(card.seeds) or None)
    names = (f"check-{name}" if number == 1 else f"check-{name}-{number}" for number in count(1))
    prefix = next(each for each in names if not _is_finished(experiment, replace(wish, prefix=each)))
    again = reproduce(experiment, replace(wish, prefix=prefix))
    return Check(card=card, again=again, another=_another(card, again), figures=_repeated(card, again))


def _is_finished(experiment: Published, wish: Wish) -> bool:
    if not isinstance(experiment.setting, ExperimentConfig):
        return False  # nothing is kept of it
    return Trainings.of(experiment, wish).found((wish.seeds or 1) - 1) is not None


def _another(card: Card, again: Card) -> tuple[str, ...]:
    same = {
        "configuration": card.configuration["sha256"] == again.configuration["sha256"],
        "data": card.data.get("fingerprint") == again.data.get("fingerprint"),
        "machine": all(card.environment.get(each) == again.environment.get(each) for each in MACHINE),
    }
    return tuple(name for name, alike in same.items() if not alike)


def _repeated(card: Card, again: Card) -> dict[str, Verdict]:
    return {
        name: judge_repetition(result.measured, again.figures[name].measured)
        if name in again.figures
        else Verdict(word="differs", why="it is not measured any more")
        for name, result in card.figures.items()
    }
