"""What the source of an experiment reported: it stands beside what is measured, and changes no training."""

from dataclasses import dataclass, field
from typing import Literal

from convscope.config.checks import check_fields, fraction_or_none, positive_or_none, said


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The section `[reference]` of an experiment file."""

    source: str = field(default="", metadata={"check": said})
    """The row of the reference experiments that it is taken from, as in E8."""

    says: str = field(default="", metadata={"check": said})
    """What the source reports, in words."""

    accuracy: float | None = field(default=None, metadata={"check": fraction_or_none})
    """As a share of the images; where the source gives several, the last, which it stands for."""

    loss: float | None = field(default=None, metadata={"check": positive_or_none})
    """Mean cross-entropy."""

    split: Literal["validation", "test"] = "test"
    """What the figures were measured on."""

    images: int | None = field(default=None, metadata={"check": positive_or_none})
    """How many that were, for an interval; None where the source does not say."""

    wrong: str | None = None
    """Why the figure is not to be believed, or not to be compared."""

    def __post_init__(self) -> None:
        check_fields(self, "reference")
