"""Result cards: what a reproduction found, in a small JSON file of its own that is never changed."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from convscope.errors import RunError, UsageError
from convscope.evaluation.proportion import finite_or_none
from convscope.runs import atomic
from convscope.trials.cards.figures import Pooled
from convscope.trials.cards.verdicts import Verdict
from convscope.wording import here

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """One figure beside the source's.

    Attributes:
        measured: of all seeds.
        reported: `value`, `to` and `images` as the source gives them; empty where it gives none.
        verdict: how they compare.
    """

    measured: Pooled
    reported: dict[str, Any]
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.measured.to_dict(), "reported": self.reported, **self.verdict.to_dict()}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Result":
        """The inverse of `to_dict`."""
        return Result(
            measured=Pooled.from_dict(values),
            reported=values["reported"],
            verdict=Verdict.from_dict(values),
        )


@dataclass(frozen=True, kw_only=True)
class Card:
    """What one reproduction found.

    Attributes:
        experiment, source: its name, and the row it is taken from.
        made: when, in UTC.
        scale: 1 for a whole reproduction; less for a try that is none.
        configuration: the hash and the values of what was run, without the seed.
        data: what it was run on: `used`, `fingerprint`, `sizes`, and how they differ from the source's.
        environment: versions and machine.
        seeds: of the trainings; empty where nothing was trained.
        figures: by name, each with every seed's value, all together, and the verdict.
        orderings: by name, how far it is above another experiment, where the source claims that it is.
        ablations: by name, what a change made of the first figure.
        details: of what trains nothing, all that was measured.
        seconds: of training, for each seed.
        verdict, why: on the whole.
    """

    experiment: str
    source: str
    made: str
    scale: float
    configuration: dict[str, Any]
    data: dict[str, Any]
    environment: dict[str, Any]
    seeds: tuple[int, ...] = ()
    figures: dict[str, Result]
    orderings: dict[str, Result] = field(default_factory=dict)
    ablations: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: tuple[float, ...] = ()
    verdict: str
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As the file holds it."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("figures", "orderings"):
            plain[name] = {key: result.to_dict() for key, result in plain[name].items()}
        return {"format": FORMAT, **plain}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Card":
        """The inverse of `to_dict`."""
        plain = {name: value for name, value in values.items() if name != "format"}
        for name in ("figures", "orderings"):
            plain[name] = {key: Result.from_dict(result) for key, result in plain[name].items()}
        for name in ("seeds", "seconds"):
            plain[name] = tuple(plain[name])
        return Card(**plain)

    @property
    def is_whole(self) -> bool:
        """Whether it is a reproduction at all."""
        return self.scale == 1

    def says_the_same_as(self, other: "Card") -> bool:
        """Whether nothing but the time of making differs."""
        return bool(_plain(self) == _plain(other))


def _finite(value: Any) -> Any:
    """JSON has no nan and no infinity: None instead."""
    match value:
        case Mapping():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float():
            return finite_or_none(value)
    return value


def _plain(card: Card) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(_finite({**card.to_dict(), "made": ""})))
    return plain


def configuration_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was run, without what another seed or machine would change, and its hash."""
    setting = {name: value for name, value in values.items() if name != "seed"}
    if isinstance(setting.get("data"), Mapping):
        setting["data"] = {name: value for name, value in setting["data"].items() if name != "source"}
    text = json.dumps(setting, sort_keys=True)
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "values": setting}


def add_card(folder: Path, card: Card) -> tuple[Path, bool]:
    """Keep a card in `folder/<experiment>/`, beside those before it.

    Returns:
        Its file, and whether it is new: where the newest card says the same, that one stays alone.

    Raises:
        RunError: when the disk refuses.
    """
    place = folder / card.experiment
    for path, other in readable_cards(place)[0]:
        if card.says_the_same_as(other):
            return path, False
    day = card.made.partition("T")[0]
    number = 1 + max((int(path.stem.rpartition("-")[2]) for path in place.glob(f"{day}-??.json")), default=0)
    path = place / f"{day}-{number:02d}.json"
    text = json.dumps(_finite(card.to_dict()), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        place.mkdir(parents=True, exist_ok=True)
        atomic.write_file(path, text.encode())
    except OSError as error:
        raise RunError(f"{here(path)} could not be written: {error.strerror or error}") from error
    return path, True


def read_card(path: Path) -> Card:
    """A card.

    Raises:
        UsageError: it is not there, or is no card that this version reads.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{here(path)} does not exist; cards are made by: convscope reproduce NAME"
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{here(path)} is no result card: {error}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise UsageError(f"{here(path)} is no result card that this version reads")
    try:
        return Card.from_dict(values)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{here(path)} is no whole result card: {error}") from None


def readable_cards(place: Path) -> tuple[list[tuple[Path, Card]], list[str]]:
    """An experiment's cards, oldest first; and what is wrong with each file that is none."""
    found, wrong = [], []
    for path in sorted(place.glob("*.json")) if place.is_dir() else []:
        try:
            found.append((path, read_card(path)))
        except UsageError as error:
            wrong.append(str(error))
    return found, wrong


def newest(cards: Iterable[Card]) -> Card | None:
    """The last whole reproduction; the last try at a smaller scale where there is none."""
    return max(cards, key=lambda card: (card.is_whole, card.made), default=None)
