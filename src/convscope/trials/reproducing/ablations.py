"""Why a figure is another than the source's: the named cause, changed, and the same figure again."""

from typing import Any

from convscope.config.experiment_file import Published
from convscope.trials.cards.figures import Pooled
from convscope.trials.cards.verdicts import judge
from convscope.trials.reproducing.experiments import reference_of
from convscope.trials.reproducing.measuring import Trained, measure
from convscope.trials.reproducing.trainings import Trainings


def ablate(experiment: Published, trainings: Trainings, seeds: int) -> dict[str, dict[str, Any]]:
    """The first figure under each of an experiment's changes, by name, and how it then compares."""
    reference = reference_of(experiment)
    figure = next(each for each in reference.figures if each.value is not None)
    found = {}
    for change in experiment.ablations:
        measured = [
            measure(Trained(trainings.run(seed, changed=change), lambda _: None), (figure,))
            for seed in range(seeds)
        ]
        pooled = Pooled(figure.kind, tuple(each[figure.name] for each in measured))
        found[change.name] = {
            "says": change.says,
            "changes": change.changes,
            **pooled.to_dict(),
            **judge(figure, pooled).to_dict(),
        }
    return found
