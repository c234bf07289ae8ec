"""Which experiments are run, and in which order: the most telling and shortest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Published, override
from convscope.config.kinds import FeaturesSetting
from convscope.config.reference import Ordering
from convscope.errors import DataError
from convscope.trials.cards.card import Card, configuration_of
from convscope.trials.reproducing.expected import expected_seconds, seeds_for
from convscope.trials.reproducing.experiments import find_experiment, reference_of
from convscope.trials.reproducing.training_runs import what_differs
from convscope.trials.reproducing.trainings import Trainings, Wish
from convscope.wording import duration


@dataclass(frozen=True)
class Planned:
    """An experiment that is to be run, and how long it is going to take, all seeds together."""

    experiment: Published
    seconds: float


@dataclass(frozen=True)
class LeftOut:
    """An experiment that is not, and why."""

    name: str
    why: str


def plan(
    experiments: Sequence[tuple[Published, Card | None]], wish: Wish, budget: float | None = None
) -> tuple[list[Planned], list[LeftOut]]:
    """What is still to be run, the most telling first, and of those the shortest; and what is left out.

    Args:
        experiments: each with its newest card.
        wish: how they are to be run.
        budget: seconds for all of them; what does not fit in is left out, and something shorter taken.
    """
    planned, left_out = [], []
    for experiment, card in experiments:
        why = _why_not(experiment, card, wish)
        if why is None:
            planned.append(Planned(experiment, _seconds(experiment, card, wish)))
        else:
            left_out.append(LeftOut(experiment.name, why))
    planned.sort(key=lambda each: (reference_of(each.experiment).telling, each.seconds))
    kept, left = [], float("inf") if budget is None else budget
    for each in planned:
        if each.seconds <= left:
            kept.append(each)
            left -= each.seconds
        else:
            left_out.append(LeftOut(each.experiment.name, too_long(each.seconds, left)))
    return kept, left_out


def too_long(seconds: float, left: float) -> str:
    """Why an experiment does not fit into what is left of a budget."""
    return f"takes about {duration(seconds)}, and {duration(max(0.0, left))} are left"


def is_current(card: Card | None, experiment: Published) -> bool:
    """Whether a card is of a whole reproduction, of what the experiment's file says today."""
    if card is None or not card.is_whole:
        return False
    setting = experiment.setting
    if isinstance(setting, ExperimentConfig):
        values = {**card.configuration["values"], "seed": setting.seed}
        return not what_differs(setting, values)
    return bool(card.configuration["sha256"] == configuration_of(vars(setting))["sha256"])


def _why_not(experiment: Published, card: Card | None, wish: Wish) -> str | None:
    if wish.scale == 1 and card is not None and is_current(card, experiment):
        return f"has a card already: {card.verdict}"
    if isinstance(experiment.setting, ExperimentConfig):
        try:
            Trainings.of(experiment, replace(wish, source=None))
        except DataError as error:
            return str(error).splitlines()[0]
    return None


def _seconds(experiment: Published, card: Card | None, wish: Wish) -> float:
    """Of all trainings, those beside its own among them: stopped early, changed, or of other experiments."""
    reference, setting = reference_of(experiment), experiment.setting
    one = expected_seconds(reference, card)
    if isinstance(setting, FeaturesSetting):
        others = [find_experiment(name) for name in setting.experiments]
        missing = [each for each in others if not _is_trained(each, wish)]
        return wish.scale * (one + sum(expected_seconds(reference_of(each)) for each in missing))
    if not isinstance(setting, ExperimentConfig):
        return wish.scale * one
    seeds = wish.seeds or (1 if wish.scale != 1 else seeds_for(one))
    stopped = sum(_share(figure.at_step, setting) for figure in reference.figures if figure.at_step)
    changed = sum(
        _share(override(setting, each.changes).training.steps, setting) for each in experiment.ablations
    )
    beside = sum(_seconds_above(each) for each in reference.orderings if each.at_step)
    return wish.scale * seeds * (one * (1 + stopped + changed) + beside)


def _is_trained(experiment: Published, wish: Wish) -> bool:
    try:
        return Trainings.of(experiment, wish).found(0) is not None
    except DataError:
        return False  # whose data are not here: that is said when its turn comes


def _seconds_above(ordering: Ordering) -> float:
    other = find_experiment(ordering.above)
    one = expected_seconds(reference_of(other))
    return (
        one * _share(ordering.at_step, other.setting) if isinstance(other.setting, ExperimentConfig) else one
    )


def _share(steps: int | None, setting: ExperimentConfig) -> float:
    """Of a whole training, that so many steps are."""
    whole = setting.training.steps
    return 1.0 if steps is None or whole is None else steps / whole
