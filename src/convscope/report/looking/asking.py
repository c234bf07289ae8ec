"""A whole look: which questions are asked, in which order, and their answers one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from convscope.errors import ConvscopeError, UsageError
from convscope.report.looking.answer import ABOUT, Answer
from convscope.report.looking.drift import drift_of
from convscope.report.looking.filters import filters_of
from convscope.report.looking.histograms import histograms_of, measure_signals, signal_of
from convscope.report.looking.maps import maps_of
from convscope.report.looking.patches import (
    UNITS,
    UNITS_PROJECTED,
    Excitation,
    find_excitation,
    patches_of,
    projection_of,
)
from convscope.report.looking.plan import Cases, Plan, make_plan, telling_images, telling_units
from convscope.report.looking.plane import hidden_values_of, plane_of
from convscope.report.looking.subject import Looked, Subject
from convscope.report.looking.wants import UNITS as UNITS_WANTING
from convscope.report.looking.wants import class_wants, wants_of
from convscope.report.looking.where import cases_for, where_of
from convscope.runs.records import read_records

_CASES = 4
_CASES_HEAVY = 3


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a reader asked for.

    Attributes:
        layers: instead of a few telling ones.
        images: files to look at, instead of a few test images.
        class_name: to ask where the network sees this class.
        only: some of `ABOUT`; all unless given.
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
            raise UsageError(f"--only: there is nothing called '{wrong[0]}'; it takes {', '.join(ABOUT)}")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit: {self.limit} is not a number of images; it takes 1 and up")


@dataclass(frozen=True)
class LeftOut:
    """A question that cannot be asked of this run, and why."""

    about: str
    reason: str


def ask(subject: Subject, request: Request) -> Iterator[Answer | LeftOut]:
    """Answer one question after another; what was asked for by name and cannot be answered raises.

    Raises:
        UsageError: for a layer, class or subject that does not exist, before anything is computed.
    """
    plan = make_plan(subject, request.layers)
    if request.class_name is not None:
        subject.class_index(request.class_name)
    chosen = [subject.pick(image) for image in request.images]
    asking = _Asking(subject, request, plan, chosen)
    for about, answers in asking.questions.items():
        if request.only and about not in request.only:
            continue
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
        self.questions: dict[str, Callable[[], Iterator[Answer]]] = {
            "filters": self._filters,
            "maps": self._maps,
            "patches": self._patches,
            "projection": self._projection,
            "where": self._where,
            "wants": self._wants,
            "histograms": self._histograms,
            "plane": self._plane,
        }

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

    def _filters(self) -> Iterator[Answer]:
        if not self._plan.filters:
            raise UsageError("no convolution here has filters larger than a point")
        for layer in self._plan.filters:
            yield filters_of(self._subject, layer)

    def _maps(self) -> Iterator[Answer]:
        layers = self._layers()
        for looked in self._chosen:
            for layer in layers:
                yield maps_of(self._subject, layer, looked, named=True)
        if not self._chosen:
            shown = self._subject.pick((self._cases.right or self._cases.wrong)[0])
            for layer in layers:
                yield maps_of(self._subject, layer, shown)

    def _patches(self) -> Iterator[Answer]:
        for excitation in self._excitations.values():
            yield patches_of(self._subject, excitation)

    def _projection(self) -> Iterator[Answer]:
        for excitation in self._excitations.values():
            yield projection_of(self._subject, excitation.of_first_units(UNITS_PROJECTED))

    def _where(self) -> Iterator[Answer]:
        if self._chosen:
            sheets = {"images": ("Where it looks in these images", self._chosen)}
        else:
            right = [self._subject.pick(row) for row in self._cases.right]
            wrong = [self._subject.pick(row) for row in self._cases.wrong]
            is_class = bool(self._subject.class_names)
            sheets = {
                "right": (f"Where it looks when it is {'right' if is_class else 'close'}", right),
                "wrong": (f"Where it looks when it is {'wrong' if is_class else 'far off'}", wrong),
            }
        for name, (title, images) in sheets.items():
            if images:
                cases = cases_for(self._subject, images, self._request.class_name)
                yield where_of(self._subject, cases, name=name, title=title, is_heavy=self._plan.is_heavy)

    def _wants(self) -> Iterator[Answer]:
        heavy = self._plan.is_heavy
        if self._plan.layers:
            for layer, units in self._units.items():
                yield wants_of(self._subject, layer, units[:UNITS_WANTING], is_heavy=heavy)
        yield class_wants(self._subject, is_heavy=heavy)

    def _histograms(self) -> Iterator[Answer]:
        signals = measure_signals(self._subject, self._plan)
        yield histograms_of(self._subject, signals)
        yield signal_of(signals)
        recorded = read_records(self._subject.run.histograms_path)
        if len(recorded) > 1:
            yield drift_of(recorded)

    def _plane(self) -> Iterator[Answer]:
        hidden, labels = hidden_values_of(self._subject)
        for method in ("pca", "t-sne"):
            yield plane_of(self._subject, hidden, labels, method)
