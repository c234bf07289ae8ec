"""Which learning rate to train with: the search, and its chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from convscope.config.asked import ExperimentConfig
from convscope.config.resolved import ResolvedExperiment
from convscope.data.survey import survey
from convscope.face.live import listener_here
from convscope.face.settings import experiment_for, fields_of
from convscope.notebook import aligned, box, labelled, title
from convscope.training.learning_rate_finder import (
    BELOW_EXPLOSION,
    NUM_STEPS,
    LearningRateSearch,
    find_learning_rate,
)
from convscope.training.plan import Plan, plan_experiment
from convscope.training.progress import Choice, Progress
from convscope.wording import some

if TYPE_CHECKING:
    from convscope.report.pictures.notebook import Picture


LOW_IN_VALLEY = "a third of the middle of those rates at which the loss is nearest to its lowest"


@dataclass(frozen=True, kw_only=True, repr=False)
class FoundRate(LearningRateSearch):
    """A search with what was searched for; shows itself in a notebook.

    Attributes:
        name: of the data.
        config: the training that the rate is for, all of it chosen but the rate.
        choices: what was chosen, and why.
    """

    name: str
    config: ResolvedExperiment
    choices: tuple[Choice, ...]

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """What was tried, where the loss falls, and the proposal: a label, what is so, and why."""
        training = self.config.training
        tried = (
            f"{some(len(self.rates), 'step')} with {training.optimizer}, batch {training.batch_size}, "
            f"rates {self.rates[0]:.0e} to {self.rates[-1]:.2g}"
        )
        if self.diverged_at is None:
            end, why = "the loss does not explode up to there", LOW_IN_VALLEY
        else:
            end = f"from {self.diverged_at:.2g} on the loss explodes"
            is_bound = self.proposed > 0.95 * self.diverged_at / BELOW_EXPLOSION
            why = "a tenth of the rate at which the loss explodes" if is_bound else LOW_IN_VALLEY
        falls = f"the loss falls to {min(self.smoothed):.3g}"
        return [
            ("searched", tried, end),
            ("steep", f"{self.steep_from:.2g} to {self.steep_to:.2g}", falls),
            ("rate", f"{self.proposed:.2g}", why),
        ]

    def picture(self) -> Picture:
        """The loss against the learning rate, with the proposal; `.array`: rates, losses, smoothed losses."""
        from convscope.report.charts.signals import learning_rate_finder_chart
        from convscope.report.pictures.notebook import Picture

        steep = (self.steep_from, self.steep_to)
        chart = learning_rate_finder_chart(
            self.rates, self.losses, self.smoothed, proposed=self.proposed, steep=steep
        )
        alt = f"Loss against learning rate; the loss falls from {steep[0]:.2g} to {steep[1]:.2g}"
        return Picture(np.array([self.rates, self.losses, self.smoothed]), chart, alt)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the search alone."""
        return {each.name: getattr(self, each.name) for each in fields(LearningRateSearch)}

    def __repr__(self) -> str:
        return f"FoundRate({self.proposed:.2g}, {self.name}, {self.config.network.name})"

    def __str__(self) -> str:
        return aligned(self.lines)

    def _repr_html_(self) -> str:
        heading = title(f"learning rate {self.proposed:.2g}", f"{self.config.network.name} on {self.name}")
        return box(heading, labelled(self.lines), self.picture()._repr_html_())


def find_lr(data: str | PathLike[str], *, progress: Progress | None = None, **settings: Any) -> FoundRate:
    """Find a learning rate: train a copy for 100 steps while the rate grows, and see where the loss falls.

    Args:
        data: as for `train`: a folder, an archive, a table, a name, or an experiment's .toml.
        progress: who listens; in a notebook a bar, else nobody.
        settings: those of `train`: `network="vgg12"`, `optimizer="sgd"`.

    Raises:
        DivergedError: no rate makes the loss fall.
        ConvscopeError: as in training.

    >>> import convscope as cs
    >>> found = cs.find_lr("photos/", network="two-conv", size=16, threads=1)
    >>> found.steep_from < found.steep_to
    True
    >>> run = cs.train("photos/", network="two-conv", size=16, threads=1, learning_rate=found.proposed)
    """
    listener = listener_here() if progress is None else progress
    asked = experiment_for(str(data), fields_of(settings))
    plan, name = plan_search(asked)
    for choice in plan.choices:
        listener.on_choice(choice)
    listener.on_start("", 0, NUM_STEPS)
    try:
        return search(plan, name, lambda step: listener.on_step(step, plan.config.training.batch_size))
    finally:
        listener.on_end()


def plan_search(asked: ExperimentConfig) -> tuple[Plan, str]:
    """The training that a rate is looked for, and the name of its data; no rate is among the choices."""
    found = survey(asked.data)
    plan = plan_experiment(asked, found)
    without_rate = tuple(choice for choice in plan.choices if choice.what != "plan")
    return replace(plan, choices=without_rate), found.name


def search(plan: Plan, name: str, on_step: Callable[[int], None]) -> FoundRate:
    """Search a rate for what `plan_search` gave; `on_step` hears how many of `NUM_STEPS` are done."""
    measured = find_learning_rate(plan.config, on_step=on_step)
    values = {each.name: getattr(measured, each.name) for each in fields(measured)}
    return FoundRate(**values, name=name, config=plan.config, choices=plan.choices)
