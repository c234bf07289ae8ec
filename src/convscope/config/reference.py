"""What the source of an experiment reported: it stands beside what is measured, and changes no training."""

from dataclasses import dataclass, field
from typing import Literal

from convscope.config.checks import check_fields, non_negative_or_none, positive, positive_or_none, said
from convscope.errors import UsageError

Kind = Literal["accuracy", "difference", "loss", "count", "number", "seconds", "claim"]
"""A share of the images · one such share minus another · mean cross-entropy · the mean number answered · any
number · a time · true or false."""

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of an experiment, in `[[reference.figures]]`: which one, and what the source reported.

    Without `value` it is measured all the same, and stands alone.
    """

    kind: Kind = "accuracy"
    """What is counted or measured."""

    value: float | None = None
    """What the source reported; accuracies as a share of the images."""

    to: float | None = None
    """The upper end, where the source reports a range from `value` on."""

    images: int | None = field(default=None, metadata={"check": positive_or_none})
    """How many the source measured it on; None where it does not say."""

    split: Split = "test"
    """What it is measured on here."""

    at_step: int | None = field(default=None, metadata={"check": non_negative_or_none})
    """Of the same training, stopped after so many steps; the end unless given."""

    of: Literal["classifier", "head", "optimizer running"] = "classifier"
    """The finished classifier; a pretrained network's fitted head alone; or, as a mistake that is measured,
    the network whose optimizer goes on while its answers are counted."""

    first: int | None = field(default=None, metadata={"check": positive_or_none})
    """Only so many images of the split, the first ones, after every checkpoint."""

    shown: int | None = field(default=None, metadata={"check": positive_or_none})
    """The mean answer to images of so many circles."""

    minus: Split | None = None
    """Of a difference: the classifier's accuracy on this split is taken away."""

    label: str = ""
    """What it is called; made from the other fields unless given."""

    def __post_init__(self) -> None:
        check_fields(self, "reference.figures")
        if (self.kind == "difference") != (self.minus is not None):
            raise UsageError("reference.figures: a difference says `minus`, and nothing else does")
        highest = 1.0 if self.kind in ("accuracy", "difference") else float("inf")
        for name, value in (("value", self.value), ("to", self.to)):
            if value is not None and not 0 <= value <= highest:
                allowed = "a number from 0 to 1" if highest == 1 else "a number of at least 0"
                raise UsageError(f"reference.figures.{name} = {value!r} is not allowed; it takes {allowed}")
        if self.to is not None and (self.value is None or self.to < self.value):
            raise UsageError(f"reference.figures.to = {self.to!r} is not allowed; it takes more than value")

    @property
    def reported(self) -> dict[str, float]:
        """What the source says of it: `value`, `to` and `images`, as far as it does."""
        known = {"value": self.value, "to": self.to, "images": self.images}
        return {} if self.value is None else {name: each for name, each in known.items() if each is not None}

    @property
    def name(self) -> str:
        """`test accuracy at step 100`; the same in every card."""
        if self.label:
            return self.label
        if self.shown is not None:
            return f"answer to {self.shown} circles"
        parts: list[str] = [self.split, "accuracy" if self.kind == "difference" else self.kind]
        if self.first is not None:
            parts.append(f"of {self.first} images")
        if self.of == "head":
            parts.append("of the head")
        elif self.of == "optimizer running":
            parts.append("with the optimizer running")
        if self.at_step is not None:
            parts.append(f"at step {self.at_step:,}")
        if self.minus is not None:
            parts.append(f"minus {self.minus} accuracy")
        return " ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """An ordering that the source claims, in `[[reference.orderings]]`: this experiment is above another."""

    above: str = field(default="", metadata={"check": said})
    """The other experiment, whose test accuracy is lower."""

    at_step: int | None = field(default=None, metadata={"check": non_negative_or_none})
    """The other one stopped after so many steps; its end unless given."""

    def __post_init__(self) -> None:
        check_fields(self, "reference.orderings")

    @property
    def name(self) -> str:
        """`above mnist-conv4-momentum`."""
        return f"above {self.above}" + ("" if self.at_step is None else f" at step {self.at_step:,}")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The section `[reference]` of an experiment file."""

    source: str = field(default="", metadata={"check": said})
    """The row of the reference experiments that it is taken from, as in E8."""

    shows: str = field(default="", metadata={"check": said})
    """What the experiment shows, in one line."""

    says: str = field(default="", metadata={"check": said})
    """What the source reports, in words."""

    figures: tuple[Figure, ...] = ()
    """The source's figures; the verdict is on the first that has a value."""

    orderings: tuple[Ordering, ...] = ()
    """Orderings that the source claims."""

    source_minutes: float | None = field(default=None, metadata={"check": positive_or_none})
    """How long the source says that it took."""

    minutes: float = field(default=1.0, metadata={"check": positive})
    """How long one training takes on two quiet cores that multiply as `trials/expected.py` says."""

    telling: Literal[1, 2, 3] = 2
    """How much a card of it says: 1 the most. A time budget goes to these first."""

    differs: str | None = None
    """What is another here than in the source, and why."""

    wrong: str | None = None
    """Why the source's figure is not to be believed."""

    because: str | None = None
    """Why the figure measured here is another; an ablation tests it."""

    stand_in: str | None = None
    """Data to take where the experiment's own are not to be had, and
    `stand_in_is` says what they are."""

    stand_in_is: str | None = None
    """What the stand-in is, and how it differs."""

    def __post_init__(self) -> None:
        check_fields(self, "reference")
        names = [figure.name for figure in self.figures]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"reference.figures: '{twice}' stands there twice; each has a label of its own")
