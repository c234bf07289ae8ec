"""How long a training is: passes, updates or time, and exactly one of the three."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epochs:
    """Passes over the training split."""

    count: int

    def __str__(self) -> str:
        return "1 epoch" if self.count == 1 else f"{self.count:,} epochs"


@dataclass(frozen=True)
class Steps:
    """Optimizer updates; 0 keeps the untrained network."""

    count: int

    def __str__(self) -> str:
        return "1 step" if self.count == 1 else f"{self.count:,} steps"


@dataclass(frozen=True)
class TimeBudget:
    """Seconds from the call to the printed result; `text` is how they were asked for."""

    seconds: float
    text: str

    def __str__(self) -> str:
        return f"as many epochs as {self.text} holds"


Length = Epochs | Steps | TimeBudget
