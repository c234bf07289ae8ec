"""Whether a reported figure and ours are the same, by a rule that is fixed before either is known.

A reported figure is one more run, by other people, measured on their images. It agrees with ours if it lies
in the interval that holds such a run 95 times of 100: the prediction interval of our seeds (Student's t with
n - 1 degrees of freedom), widened by what the source's own number of images leaves open, and by the half unit
of its last digit that a figure was rounded by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scipy import special

from convscope.config.reference import Figure, Kind
from convscope.evaluation.proportion import CONFIDENCE, Interval
from convscope.trials.cards.figures import SHARES, Measured, Pooled

Word = Literal["agrees", "better", "worse", "differs", "undecided", "not comparable", "no figure"]

HIGHER_IS_BETTER: dict[Kind, bool | None] = {
    "accuracy": True,
    "loss": False,
    "seconds": False,
    "claim": True,
    "count": None,
    "number": None,
    "difference": None,
}
"""None where a figure that is another is neither better nor worse."""

_NORMAL = float(special.ndtri(0.5 + CONFIDENCE / 2))
_EXACT = 1e-9


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One word on one figure, and what it rests on.

    Attributes:
        word: `agrees`, or what else.
        interval: where a run like the source's lies 95 times of 100, by ours; None where none can be given.
        why: in a sentence.
    """

    word: Word
    interval: Interval | None = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For a card."""
        interval = None if self.interval is None else list(self.interval)
        return {"verdict": self.word, "prediction_interval": interval, "why": self.why}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Verdict":
        """The inverse of `to_dict`."""
        interval = values["prediction_interval"]
        ends = None if interval is None or None in interval else (interval[0], interval[1])
        return Verdict(word=values["verdict"], interval=ends, why=values["why"])


def prediction_interval(seeds: Sequence[Measured], source_images: int | None) -> Interval:
    """Where the figure of one more run lies 95 times of 100, when it is measured on `source_images` images.

    One seed says nothing about the spread between seeds: then both figures' images are all that it covers,
    and it is too narrow. Seeds that are all alike are taken for one.
    """
    values = [each.value for each in seeds]
    count, mean = len(values), math.fsum(values) / len(values)
    source = seeds[0].standard_error(source_images)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1)) if count > 1 else 0.0
    if spread == 0.0:
        half = _NORMAL * math.hypot(source, seeds[0].standard_error(seeds[0].images))
    else:
        student = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2))
        half = math.hypot(student * spread * math.sqrt(1 + 1 / count), _NORMAL * source)
    return mean - half, mean + half


def judge(figure: Figure, measured: Pooled, incomparable: str | None = None) -> Verdict:
    """The verdict on one figure.

    Args:
        figure: what the source reported.
        measured: the same figure of our seeds.
        incomparable: why the two cannot be compared, if they cannot.
    """
    if figure.value is None:
        return Verdict(word="no figure", why="the source reports none")
    if incomparable is not None:
        return Verdict(word="not comparable", why=incomparable)
    if figure.kind == "seconds":
        return Verdict(word="not comparable", why="a time on another machine")
    low, high = prediction_interval(measured.seeds, figure.images)
    if figure.kind == "accuracy":
        low, high = max(0.0, low), min(1.0, high)
    top = figure.value if figure.to is None else figure.to
    least, most = figure.value - _rounding(figure.value, figure.kind), top + _rounding(top, figure.kind)
    if least <= high + _EXACT and most >= low - _EXACT:
        return Verdict(word="agrees", interval=(low, high), why=_what_it_covers(figure, measured))
    is_above = measured.value > top
    better = HIGHER_IS_BETTER[figure.kind]
    word: Word = "differs" if better is None else "better" if is_above == better else "worse"
    return Verdict(word=word, interval=(low, high), why=_what_it_covers(figure, measured))


def judge_ordering(differences: Pooled) -> Verdict:
    """Whether one experiment is above another, by the differences of the seeds that both have."""
    interval = differences.interval
    if interval is None:
        return Verdict(word="undecided", why="no spread is known")
    low, high = interval
    word: Word = "agrees" if low > 0 else "worse" if high < 0 else "undecided"
    how = "over seeds" if len(differences.seeds) > 1 else "over the test images; one seed"
    return Verdict(word=word, interval=interval, why=f"interval of the difference {how}")


def judge_repetition(before: Pooled, now: Pooled) -> Verdict:
    """Whether the mean of some more seeds lies where it does 95 times of 100, by those before.

    Both were measured on the same images: only the spread between seeds makes them differ.
    """
    if before.kind == "seconds":
        return Verdict(word="not comparable", why="a time is another each time")
    if [each.value for each in before.seeds] == [each.value for each in now.seeds]:
        return Verdict(word="agrees", why="the same to the last digit")
    count, mean, spread = len(before.seeds), before.value, before.over_runs.standard_deviation
    if count > 1 and spread > 0:
        student = float(special.stdtrit(count - 1, 0.5 + CONFIDENCE / 2))
        half, why = student * spread * math.sqrt(1 / count + 1 / len(now.seeds)), f"{count} seeds before"
    else:
        one, other = before.seeds[0], now.seeds[0]
        half = _NORMAL * math.hypot(one.standard_error(one.images), other.standard_error(other.images))
        why = "one seed: only the images' share is covered"
    low, high = mean - half, mean + half
    word: Word = "agrees" if low - _EXACT <= now.value <= high + _EXACT else "differs"
    return Verdict(word=word, interval=(low, high), why=why)


def _what_it_covers(figure: Figure, measured: Pooled) -> str:
    if measured.kind in ("number", "claim"):
        return ""
    seeds = len(measured.seeds)
    if seeds == 1:
        covers = "one seed: how far seeds lie apart is not known, only the images' share is covered"
    elif measured.over_runs.standard_deviation == 0:
        covers = f"{seeds} seeds, all alike: only the images' share is covered"
    else:
        covers = f"prediction interval of {seeds} seeds"
    if figure.images is None:
        return f"{covers}; the source does not say on how many images"
    return f"{covers}, and the source's {figure.images:,} {'image' if figure.images == 1 else 'images'}"


def _rounding(value: float, kind: Kind) -> float:
    """Half a unit of the last digit in which a value is written: 0.005 for 107.98, 0.0005 for 99.8 %.

    Whole numbers are taken for counted, and 100 % for all.
    """
    text = f"{value!r}"
    if text.endswith(".0") or "." not in text or "e" in text:
        return 0.0
    decimals = len(text.partition(".")[2])
    return 0.5 * 10.0 ** -(max(2, decimals) if kind in SHARES else decimals)  # 0.9 is 90 %
