"""Run a published experiment, and say on a card how what was found compares with what was reported."""

import datetime
from pathlib import Path
from typing import Any

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import Published
from convscope.config.reference import Figure, Reference
from convscope.errors import RunError, UsageError
from convscope.runs.folder import CONFIG, DATASET, ENVIRONMENT, Run
from convscope.trials.cards.card import Card, Result, configuration_of
from convscope.trials.cards.figures import Measured, Pooled
from convscope.trials.cards.verdicts import Verdict, Word, judge
from convscope.trials.claims import Claim
from convscope.trials.reproducing.ablations import ablate
from convscope.trials.reproducing.expected import SEEDS, SHORT
from convscope.trials.reproducing.experiments import differs_from, find_experiment, reference_of
from convscope.trials.reproducing.kinds import Examined, examine
from convscope.trials.reproducing.measuring import Trained, measure
from convscope.trials.reproducing.orderings import compare_all
from convscope.trials.reproducing.trainings import Trainings, Wish
from convscope.wording import here

KEPT_ENVIRONMENT = (
    "python",
    "packages",
    "platform",
    "processor",
    "cores",
    "device",
    "device_name",
    "threads",
)


def reproduce(experiment: Published, wish: Wish) -> Card:
    """Run what is still to be run of an experiment, measure its figures, and judge them.

    Raises:
        ConvscopeError: as training raises them; what is finished stays, and is used the next time.
    """
    if isinstance(experiment.setting, ExperimentConfig):
        return _reproduce_training(experiment, wish)

    if wish.source is not None:
        raise UsageError(f"--source: {experiment.name} trains nothing, and takes no data")

    def run_of(name: str) -> Run:
        return Trainings.of(find_experiment(name), wish).run(0)

    return _card_of_examined(experiment, examine(experiment, scale=wish.scale, run_of=run_of), wish)


def _reproduce_training(experiment: Published, wish: Wish) -> Card:
    reference, trainings = reference_of(experiment), Trainings.of(experiment, wish)
    runs = [trainings.run(0)]
    runs += [trainings.run(seed) for seed in range(1, wish.seeds or enough_seeds(runs[0], wish))]
    configuration = _one_configuration(runs)
    measured = [
        measure(Trained(run, trainings.stops(seed)), reference.figures) for seed, run in enumerate(runs)
    ]
    source = trainings.config.data.source
    incomparable = _try(wish) or differs_from(source, runs[0].config.data.source, reference)
    figures = _judge_all(reference.figures, measured, incomparable)
    orderings = compare_all(reference, runs, wish, incomparable)
    verdict = _overall(figures, orderings)
    ablations = {}
    if verdict.word in ("better", "worse") and experiment.ablations:
        ablations = ablate(experiment, trainings, len(runs))
    return Card(
        experiment=experiment.name,
        source=reference.source,
        made=_now(),
        scale=wish.scale,
        configuration=configuration,
        data=_data_of(source, reference, runs[0]),
        environment=_environment_of(runs[0].read(ENVIRONMENT)),
        seeds=tuple(range(len(runs))),
        figures=figures,
        orderings=orderings,
        ablations=ablations,
        seconds=tuple(round(_seconds(run), 2) for run in runs),
        verdict=verdict.word,
        why=verdict.why,
    )


def _card_of_examined(experiment: Published, found: Examined, wish: Wish) -> Card:
    reference = reference_of(experiment)
    incomparable = _try(wish) or found.incomparable
    figures = _judge_all(reference.figures, [found.figures], incomparable)
    figures |= {claim.says: _result_of_claim(claim, _try(wish)) for claim in found.claims}
    verdict = _overall(figures, {})
    return Card(
        experiment=experiment.name,
        source=reference.source,
        made=_now(),
        scale=wish.scale,
        configuration=configuration_of(vars(experiment.setting)),
        data={},
        environment=_environment_of(found.environment),
        figures=figures,
        details=found.details,
        seconds=(round(found.seconds, 2),),
        verdict=verdict.word,
        why=verdict.why,
    )


def enough_seeds(first: Run, wish: Wish) -> int:
    """A spread needs five; a long training, or a try, is run once."""
    return 1 if wish.scale != 1 or _seconds(first) >= SHORT else SEEDS


def _one_configuration(runs: list[Run]) -> dict[str, Any]:
    """Of all seeds; the same, or they are not one experiment.

    Raises:
        RunError: when convscope chose otherwise for one of them, as another version may.
    """
    found = [configuration_of(run.read(CONFIG)) for run in runs]
    for run, each in zip(runs, found, strict=True):
        if each["sha256"] != found[0]["sha256"]:
            raise RunError(
                f"{here(run.path)} was made with other choices than {here(runs[0].path)}, by another version "
                "perhaps.\nMove the older one away, and reproduce again"
            )
    return found[0]


def _seconds(run: Run) -> float:
    return float((run.summary() or {})["seconds"]["train"])


def _try(wish: Wish) -> str | None:
    return None if wish.scale == 1 else f"a try at {wish.scale:g} of its length, no reproduction"


def _data_of(source: str, reference: Reference, run: Run) -> dict[str, Any]:
    used, known = run.config.data.source, run.read(DATASET)
    return {
        "source": source,
        "used": Path(used).name or used,
        "fingerprint": known["fingerprint"],
        "sizes": known["sizes"],
        "differs": differs_from(source, used, reference),
    }


def _judge_all(
    figures: tuple[Figure, ...], measured: list[dict[str, Measured]], incomparable: str | None
) -> dict[str, Result]:
    """Each figure that was measured, over all seeds, with its verdict."""
    results = {}
    for figure in figures:
        seeds = [each[figure.name] for each in measured if figure.name in each]
        if seeds:
            pooled = Pooled(figure.kind, tuple(seeds))
            verdict = judge(figure, pooled, incomparable)
            results[figure.name] = Result(measured=pooled, reported=figure.reported, verdict=verdict)
    return results


def _result_of_claim(claim: Claim, incomparable: str | None) -> Result:
    word: Word = "not comparable" if incomparable else "agrees" if claim.holds else "differs"
    return Result(
        measured=Pooled("claim", (Measured(value=float(claim.holds)),)),
        reported={"value": 1.0},
        verdict=Verdict(word=word, why=incomparable or claim.because),
    )


def _overall(figures: dict[str, Result], orderings: dict[str, Result]) -> Verdict:
    """That of the first figure with a value; where all are claims or numbers, of the first that differs."""
    valued = [result for result in figures.values() if result.reported]
    exact = all(result.measured.kind in ("number", "claim") for result in valued)
    judged = valued if exact else valued[:1]
    judged += [] if valued else list(orderings.values())
    if not judged:
        return Verdict(word="no figure", why="the source reports none")
    others = [result for result in judged if result.verdict.word != "agrees"]
    first = next(iter(others or judged)).verdict
    if len(judged) > 1 and not others:
        return Verdict(word="agrees", why=f"all {len(judged)} of them")
    return Verdict(word=first.word, why=first.why)


def _environment_of(values: dict[str, Any]) -> dict[str, Any]:
    """What of an environment a card keeps: no paths, and no command lines."""
    return {name: values.get(name) for name in KEPT_ENVIRONMENT}


def _now() -> str:
    """In UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
