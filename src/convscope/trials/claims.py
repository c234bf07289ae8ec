"""What a source claims in words, judged by measured figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of a source, and what was measured of it."""

    says: str
    """What the source claims, in our words."""

    holds: bool
    """Whether the figures bear it out."""

    because: str
    """The figures, in a sentence."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    """The same, to compute with."""

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'does not hold'}: {self.says}. {self.because}"

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and result cards."""
        return {
            "says": self.says,
            "holds": self.holds,
            "because": self.because,
            "figures": dict(self.figures),
        }
