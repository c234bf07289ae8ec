"""What is in some images before anything is trained on them: an audit, what follows from it, pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

from convscope.config.asked import ExperimentConfig
from convscope.data.auditing.audit import Audit, audit
from convscope.data.auditing.samples import Samples, draw_as_trained, draw_for_head, take_samples
from convscope.data.auditing.saying import audit_lines
from convscope.data.augmentation import Augmentation
from convscope.data.pixels.reading import PixelFormat
from convscope.data.sources import ArraySource, FileSource, open_source
from convscope.data.survey import survey_source
from convscope.diagnosis.data import audited
from convscope.diagnosis.finding import Finding
from convscope.errors import DataError
from convscope.face.settings import experiment_for, fields_of
from convscope.notebook import aligned, box, labelled, title
from convscope.training.plan import Plan, plan_experiment

if TYPE_CHECKING:
    from convscope.report.pictures.notebook import Picture

SAMPLES, MOST_SAMPLES = 9, 48  # as many as there are classes, between these two
SAMPLE_SIDE = 192
DRAWN, MOST_DRAWN = 8, 16
DRAWS = 8


@dataclass(frozen=True, kw_only=True, repr=False)
class DataAudit(Audit):
    """An audit, what follows from it, and pictures of the images; shows itself in a notebook.

    Attributes:
        findings: the gravest first; an error is one after which not to train.
        plan: the training that was asked about, where an augmentation was; its picture is drawn from it.
    """

    findings: tuple[Finding, ...]
    plan: Plan | None = None
    source: FileSource | ArraySource = field(compare=False)

    @property
    def is_fit(self) -> bool:
        """Whether nothing was found that would stop training, or make its figures untrue."""
        return all(finding.severity != "error" for finding in self.findings)

    def samples(self) -> Picture:
        """A few images of each class, as they are read."""
        from convscope.report.pictures.grids import image_grid

        form = PixelFormat((SAMPLE_SIDE, SAMPLE_SIDE), 3, "pad", self.reading)
        taken = take_samples(self.source, form, min(MOST_SAMPLES, max(SAMPLES, len(self.classes))))
        columns = 3 if len(taken.labels) <= SAMPLES else 6
        drawn = image_grid(taken.images, taken.labels, columns=columns, contents=taken.contents)
        return _picture(taken, drawn, "Images")

    def training(self) -> Picture:
        """What training sees of a few images: its size, its channels, its way to get there, its augmentation.

        Raises:
            DataError: no training was asked about.
        """
        from convscope.report.pictures.grids import augmentation_sheet
        from convscope.training.preparation import fits_on_mirror_images

        if self.plan is None:
            raise DataError("no training was asked about: name its augmentation, as in augmentation='photos'")
        config = self.plan.config
        side, image = config.preprocessing.size, config.preprocessing
        form = PixelFormat((side, side), image.channels, image.fit, self.reading)
        taken = take_samples(self.source, form, min(MOST_DRAWN, max(DRAWN, len(self.classes))))
        if self.plan.fits_head_alone:
            seen = draw_for_head(taken, mirrored=fits_on_mirror_images(config))
        else:
            augmentation = Augmentation.from_text(config.augmentation.preset)
            seen = draw_as_trained(taken, augmentation, seed=config.seed, draws=DRAWS)
        drawn = augmentation_sheet(taken.images, seen, taken.labels, taken.contents)
        return _picture(taken, drawn, "What training sees of images")

    def picture(self) -> Picture:
        """What training sees, where a training was asked about; else samples."""
        return self.samples() if self.plan is None else self.training()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return super().to_dict() | {"findings": [finding.to_dict() for finding in self.findings]}

    def __repr__(self) -> str:
        found = ", ".join(f"{finding.severity}: {finding.name}" for finding in self.findings) or "no finding"
        return (
            f"DataAudit({self.survey.name}, {self.images:,} images, {len(self.classes):,} classes, {found})"
        )

    def __str__(self) -> str:
        return aligned([*audit_lines(self), *self._concluded])

    def _repr_html_(self) -> str:
        return box(
            title(self.survey.name),
            labelled([*audit_lines(self), *self._concluded]),
            self.picture()._repr_html_(),
        )

    @property
    def _concluded(self) -> list[tuple[str, ...]]:
        return [(finding.severity, finding.said, finding.advice) for finding in self.findings]


def data(source: str | PathLike[str], **settings: Any) -> DataAudit:
    """Audit images before training: classes, sizes, broken files, copies, leaks between splits.

    Args:
        source: a folder, an archive, a table, a name, or an experiment's .toml.
        settings: those of `train`; with `augmentation`, `.training()` draws what training would see.

    Raises:
        UsageError: there is no such setting.
        DataError: the source is absent or unsafe, or has no image that can be read.

    >>> import convscope as cs
    >>> audit = cs.data("photos/")
    >>> audit.images, [(entry.name, entry.count) for entry in audit.classes]
    (24, [('ant', 12), ('bee', 12)])
    >>> audit.is_fit
    True
    >>> audit.samples().save("samples.png").exists()
    True
    """
    return audit_experiment(experiment_for(str(source), fields_of(settings)))


def audit_experiment(asked: ExperimentConfig) -> DataAudit:
    """The audit of an experiment's images; what is wrong with its augmentation is said before."""
    opened = open_source(asked.data)
    plan = None
    if asked.augmentation.preset is not None:
        Augmentation.from_text(asked.augmentation.preset)
        plan = plan_experiment(asked, survey_source(opened, asked.data.max_pixels))
    found = audit(asked.data, source=opened)
    if found.quarantined and not found.images:
        reasons = ", ".join(f"{entry.path} ({entry.reason})" for entry in found.quarantined[:3])
        raise DataError(
            f"{asked.data.source} has no image that can be read: {reasons}…\n"
            "Mend them, or name another folder"
        )
    measured = {each.name: getattr(found, each.name) for each in fields(found)}
    return DataAudit(**measured, findings=tuple(audited(found)), plan=plan, source=opened)


def _picture(taken: Samples, drawn: Any, what: str) -> Picture:
    from convscope.report.pictures.notebook import Picture

    return Picture(taken.images, drawn, f"{what}: {', '.join(map(str, taken.labels))}")
