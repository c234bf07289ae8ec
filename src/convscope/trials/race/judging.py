"""What the source says of the racers, held against the race that was run."""

from convscope.trials.claims import Claim
from convscope.trials.race.racing import BestRate, Path, Race
from convscope.trials.race.rules import TITLES, RuleName
from convscope.wording import percent, rounded, some

OVERSHOT = 0.05
"""Who runs further past the minimum than this part of the way has overshot it."""


def judge(race: Race) -> tuple[Claim, ...]:
    """The source's three claims, as raced; and what is left of them where each rule has its best rate.

    Raises:
        KeyError: when gradient descent, momentum or Adam did not take part.
    """
    return _not_arrived(race), _overshoots(race), _reasonable(race)


def _not_arrived(race: Race) -> Claim:
    path = race.path("sgd")
    way = path.distances[0]
    best = _best(race, "sgd")
    because = (
        f"At rate {rounded(path.racer.rate)} it stands {percent(path.distances[-1] / way, 0)} of the way "
        f"from the minimum and {_arrival(path)}"
    )
    if best.arrived is not None and best.rate is not None:
        because += (
            f". That is the rate's doing, not the rule's: at rate {rounded(best.rate, 2)} it arrives at step "
            f"{best.arrived}, though it arrives at only {percent(best.share, 0)} of the rates tried"
        )
    return Claim(
        says=f"gradient descent has not arrived after {some(race.steps, 'step')}",
        holds=path.arrived is None,
        because=f"{because}.",
        figures={
            "distance": float(path.distances[-1]),
            "arrived": path.arrived,
            "best_rate": best.rate,
            "arrived_at_best_rate": best.arrived,
            "share_of_rates": best.share,
        },
    )


def _overshoots(race: Race) -> Claim:
    path, adam = race.path("momentum"), race.path("adam")
    best = _best(race, "momentum")
    because = f"It runs {percent(path.overshoot)} of its way past the minimum, Adam {percent(adam.overshoot)}"
    if best.overshoot is not None:
        because += f"; at its best rate {percent(best.overshoot)}"
    return Claim(
        says="momentum overshoots the minimum",
        holds=path.overshoot > OVERSHOT,
        because=f"{because}.",
        figures={
            "overshoot": path.overshoot,
            "overshoot_at_best_rate": best.overshoot,
            "overshoot_of_adam": adam.overshoot,
        },
    )


def _reasonable(race: Race) -> Claim:
    path, other = race.path("adam"), race.path("momentum")
    first = other.arrived is None or (path.arrived is not None and path.arrived <= other.arrived)
    because = f"Adam {_arrival(path)}, momentum {_arrival(other)}; it runs past by {percent(path.overshoot)}"
    arrivals = {each.rule: each.arrived for each in race.best}
    timed = [f"{TITLES[rule]} at step {step}" for rule, step in arrivals.items() if step is not None]
    if timed:
        because += f". Each at its best rate: {', '.join(timed)}"
    return Claim(
        says="Adam is the reasonable one: it arrives, no later than momentum, and hardly overshoots",
        holds=path.arrived is not None and first and path.overshoot <= OVERSHOT,
        because=f"{because}.",
        figures={
            "arrived": path.arrived,
            "overshoot": path.overshoot,
            "arrived_of_momentum": other.arrived,
            "arrived_at_best_rates": arrivals,
        },
    )


def _best(race: Race, rule: RuleName) -> BestRate:
    return next(each for each in race.best if each.rule == rule)


def _arrival(path: Path) -> str:
    return "has not arrived" if path.arrived is None else f"arrives at step {path.arrived}"
