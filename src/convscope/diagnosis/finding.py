"""What a rule gives: a conclusion, the evidence that carries it, and what to do."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note", "fine"]
"""error: not to be used as it is · warning: it may mislead · note: worth knowing · fine: nothing found."""

MOST_IMAGES = 200

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2, "fine": 3}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A conclusion that was drawn from measured values.

    Attributes:
        name: the same wherever it is said: `one-answer`.
        kind: the rule of a diagnosis that drew it: `signal`; empty where no diagnosis was made.
        severity: how much it matters.
        sentence: one sentence without its full stop, as it stands on the screen.
        evidence: the measured values that carry it; empty where the conclusion holds them all.
        advice: what to do, or which command to type next; empty where there is nothing to do.
        p: how often a sound run shows as much by chance, at most; 0 where a fact was counted and nothing
            estimated. None where that was not asked.
        images: the ids of those that it is about, the most telling first, `MOST_IMAGES` at most; empty where
            it is about no images in particular.
    """

    name: str
    severity: Severity
    sentence: str
    evidence: str = ""
    advice: str = ""
    kind: str = ""
    p: float | None = None
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.severity not in _ORDER:
            raise ValueError(f"severity is one of {', '.join(_ORDER)}; got {self.severity!r}")

    @property
    def said(self) -> str:
        """Conclusion and evidence."""
        return f"{self.sentence}: {self.evidence}" if self.evidence else self.sentence

    def __str__(self) -> str:
        return f"{self.said}. {self.advice}" if self.advice else self.said

    @property
    def is_alarming(self) -> bool:
        """Whether a reader must hear of it before believing the figures."""
        return self.severity in ("error", "warning")

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Finding":
        """The inverse of `to_dict`; in version 0.1.0 the sentence was called conclusion."""
        renamed = {{"conclusion": "sentence"}.get(name, name): value for name, value in values.items()}
        return Finding(**renamed | {"images": tuple(renamed.get("images", ()))})


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then the rest; those of one severity stay in their order."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])
