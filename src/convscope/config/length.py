"""How long a training is: passes, updates or time, and exactly one of the three."""

from dataclasses import dataclass

from convscope.wording import some


@dataclass(frozen=True)
class Epochs:
    """Passes over the training split."""

    count: int

    def __str__(self) -> str:
        return some(self.count, "epoch")


@dataclass(frozen=True)
class Steps:
    """Optimizer updates; 0 keeps the untrained network."""

    count: int

    def __str__(self) -> str:
        return some(self.count, "step")


@dataclass(frozen=True)
class TimeBudget:
    """Seconds from the call to the printed result; `text` is how they were asked for."""

    seconds: float
    text: str

    def __str__(self) -> str:
        return f"as many epochs as {self.text} holds"


Length = Epochs | Steps | TimeBudget
