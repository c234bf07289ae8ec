"""A whole look: which questions are asked, in which order, and their answers one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from convscope.errors import ConvscopeError, UsageError
from convscope.looking.filters import SeenFilters, SeenTemplates, see_filters, see_templates
from convscope.looking.foretelling import Amount, Pace, foretell, measure_pace
from convscope.looking.maps import SeenMaps, see_maps
from convscope.looking.patches import (
    UNITS,
    UNITS_PROJECTED,
    Excitation,
    Projected,
    find_excitation,
    project_excitation,
)
from convscope.looking.plan import Cases, Plan, make_plan, reads_the_image, telling_images, telling_units
from convscope.looking.plane import SeenPlane, hidden_values_of, see_plane
from convscope.looking.signals import Drift, Signals, measure_drift, measure_signals
from convscope.looking.subject import Looked, Subject
from convscope.looking.wants import UNITS as UNITS_WANTING
from convscope.looking.wants import SeenWants, see_class_wants, see_unit_wants
from convscope.looking.where import SeenWhere, cases_for, see_where
from convscope.runs.records import read_records
from convscope.wording import meant, near
from convscope.work import counted

About = Literal["filters", "maps", "histograms", "patches", "projection", "where", "wants", "plane"]
ABOUT: tuple[str, ...] = get_args(About)
"""What can be looked at, in the order in which a reader should meet it."""
OF_IMAGES = ("maps", "where")
"""What of it is different for each image."""

_CASES = 4
_CASES_HEAVY = 3


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a reader asked for.

    Attributes:
        layers: instead of a few telling ones.
        images: files to look at, instead of a few test images; then nothing is asked but of them.
        class_name: to ask where the network sees this class.
        only: some of `ABOUT`; all unless given, or `OF_IMAGES` of images.
        limit: at most so many training images in the search for patches.
    """

    layers: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()
    class_name: str | None = None
    only: tuple[str, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        wrong = [name for name in self.only if name not in ABOUT]
        if wrong:
            hint = meant(near(wrong[0], ABOUT), f"it takes {', '.join(ABOUT)}")
            raise UsageError(f"--only: there is nothing called '{wrong[0]}'; {hint}")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit: {self.limit} is not a number of images; it takes 1 and up")

    @property
    def about(self) -> tuple[str, ...]:
        """What is asked."""
        return self.only or (OF_IMAGES if self.images else ABOUT)


@dataclass(frozen=True)
class LeftOut:
    """A question that cannot be asked of this run, and why."""

    about: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenCases:
    """Where the network looks in images that go together.

    Attributes:
        why: why these images: the reader chose them, or the network is right, or wrong about them.
        seen: what was measured.
    """

    why: Literal["chosen", "right", "wrong"]
    seen: SeenWhere


Seen = (
    SeenFilters
    | SeenTemplates
    | SeenMaps
    | Excitation
    | Projected
    | SeenCases
    | SeenWants
    | Signals
    | Drift
    | SeenPlane
)
"""What was measured to answer one question."""


def ask(subject: Subject, request: Request) -> Iterator[Seen | LeftOut]:
    """Answer one question after another; what was asked for by name and cannot be answered raises.

    Raises:
        UsageError: for a layer, class or subject that does not exist, before anything is computed.
    """
    plan = make_plan(subject, request.layers)
    if request.class_name is not None:
        subject.class_index(request.class_name)
    chosen = [subject.pick(image) for image in request.images]
    asking = _Asking(subject, request, plan, chosen)
    questions = [each for each in asking.questions.items() if each[0] in request.about]
    seconds = asking.foretold([about for about, _ in questions])
    for about, answers in counted(questions, "looking", weights=seconds, is_foretold=True):
        try:
            yield from answers()
        except ConvscopeError as error:
            if request.only:
                raise
            yield LeftOut(about, str(error))


class _Asking:
    """The questions of one look. What several of them need is found once."""

    def __init__(self, subject: Subject, request: Request, plan: Plan, chosen: Sequence[Looked]) -> None:
        self._subject, self._request, self._plan, self._chosen = subject, request, plan, chosen
        self.questions: dict[str, Callable[[], Iterator[Seen]]] = {
            "filters": self._filters,
            "maps": self._maps,
            "patches": self._patches,
            "projection": self._projection,
            "where": self._where,
            "wants": self._wants,
            "histograms": self._histograms,
            "plane": self._plane,
        }

    def foretold(self, asked: Sequence[str]) -> list[float]:
        """About how many seconds each of these questions takes."""
        pace = (
            Pace(forward=0, both=0) if set(asked) <= {"filters"} else measure_pace(self._subject, self._plan)
        )
        cases = len(self._chosen) * (1 if self._request.class_name is None else 2)
        if "where" in asked and not self._chosen:
            cases = len(self._cases.right) + 2 * len(self._cases.wrong)
        amount = Amount(images=len(self._chosen) or 1, cases=cases, limit=self._request.limit)
        found = foretell(self._subject, self._plan, amount, pace)
        return [found[about] for about in asked]

    @cached_property
    def _cases(self) -> Cases:
        return telling_images(self._subject, _CASES_HEAVY if self._plan.is_heavy else _CASES)

    @cached_property
    def _units(self) -> dict[str, tuple[int, ...]]:
        return telling_units(self._subject, self._layers(), UNITS)

    @cached_property
    def _excitations(self) -> dict[str, Excitation]:
        return find_excitation(self._subject, self._units, self._request.limit)

    def _layers(self) -> tuple[str, ...]:
        if not self._plan.layers:
            raise UsageError(
                "the network has no convolution, and so no maps; name another layer: --layer NAME"
            )
        return self._plan.layers

    def _filters(self) -> Iterator[SeenFilters | SeenTemplates]:
        if not self._plan.filters:
            yield see_templates(self._subject)
        for layer in self._plan.filters:
            yield see_filters(self._subject, layer)

    def _maps(self) -> Iterator[SeenMaps]:
        layers = self._layers()
        for looked in self._chosen:
            for layer in layers:
                yield see_maps(self._subject, layer, looked, is_chosen=True)
        if not self._chosen:
            shown = self._subject.pick((self._cases.right or self._cases.wrong)[0])
            for layer in layers:
                yield see_maps(self._subject, layer, shown)

    def _patches(self) -> Iterator[Excitation]:
        yield from self._excitations.values()

    def _projection(self) -> Iterator[Projected]:
        deeper = [layer for layer in self._layers() if not reads_the_image(self._subject, layer)]
        if not deeper:
            raise UsageError("its convolutions read the image itself, where a projection repeats the filter")
        for layer in deeper:
            excitation = self._excitations[layer].of_first_units(UNITS_PROJECTED)
            yield project_excitation(self._subject, excitation)

    def _where(self) -> Iterator[SeenCases]:
        groups: dict[Literal["chosen", "right", "wrong"], Sequence[Looked]] = {"chosen": self._chosen}
        if not self._chosen:
            groups = {
                "right": [self._subject.pick(row) for row in self._cases.right],
                "wrong": [self._subject.pick(row) for row in self._cases.wrong],
            }
        for why, images in groups.items():
            if images:
                cases = cases_for(self._subject, images, self._request.class_name)
                yield SeenCases(why=why, seen=see_where(self._subject, cases, is_heavy=self._plan.is_heavy))

    def _wants(self) -> Iterator[SeenWants]:
        heavy = self._plan.is_heavy
        if self._plan.layers:
            for layer, units in self._units.items():
                yield see_unit_wants(self._subject, layer, units[:UNITS_WANTING], is_heavy=heavy)
        yield see_class_wants(self._subject, is_heavy=heavy)

    def _histograms(self) -> Iterator[Signals | Drift]:
        yield measure_signals(self._subject, self._plan)
        recorded = read_records(self._subject.run.histograms_path)
        if len(recorded) > 1:
            yield measure_drift(recorded)

    def _plane(self) -> Iterator[SeenPlane]:
        hidden, labels = hidden_values_of(self._subject)
        for method in ("pca", "t-sne"):
            yield see_plane(self._subject, hidden, labels, method)
