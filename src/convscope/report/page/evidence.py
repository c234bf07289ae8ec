"""The report's charts of confidence and of regression, each with the sentence that says what it shows."""

from dataclasses import dataclass

import numpy as np

from convscope.diagnosis.answers import confidence
from convscope.diagnosis.finding import Finding
from convscope.evaluation.predictions import Predictions
from convscope.report.charts.results import predicted_against_true_chart, reliability_chart
from convscope.report.charts.vector import to_svg
from convscope.report.page.album import Album, Shown
from convscope.report.page.material import Material
from convscope.report.page.mistakes import SHOWN
from convscope.report.palette import themed
from convscope.report.wording import number


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing with its sentence and, for regression, the images that are furthest off."""

    svg: str
    alt: str
    says: str = ""
    finding: Finding | None = None
    images: tuple[Shown, ...] = ()


def calibration_figure(judged: Predictions) -> Figure:
    """Whether "90 % sure" is right nine times in ten."""
    calibration, finding = judged.calibration, confidence(judged)
    return Figure(
        svg=themed(to_svg(reliability_chart(calibration), prefix="calibration")),
        alt=f"Accuracy against confidence in {len(calibration.bins)} bins",
        finding=finding,
    )


def regression_figure(judged: Predictions, material: Material) -> Figure:
    """Answers against the truth, and the images furthest off."""
    found = judged.regression
    says = " ".join(
        [
            f"Mean absolute error {found.mean_absolute_error}.",
            f"Root mean squared error {number(found.root_mean_squared_error, 3)}.",
        ]
    )
    if found.within_half is not None:
        says += f" At most 0.5 off: {found.within_half}."
    off = np.abs(judged.values - judged.labels)
    album = Album(material, judged.split)
    kept = [row for row in np.argsort(-off, kind="stable").tolist() if album.has(row)]
    chart = predicted_against_true_chart(judged.labels, judged.values, judged.training_range)
    images = [shown for row in kept[:SHOWN] for shown in _answer(judged, album, row)]
    return Figure(
        svg=themed(to_svg(chart, prefix="regression")),
        alt=f"Predicted against true for {len(judged.labels)} images",
        says=says,
        images=tuple(images),
    )


def _answer(judged: Predictions, album: Album, row: int) -> list[Shown]:
    truth, answer = number(float(judged.labels[row]), 3), number(float(judged.values[row]), 3)
    alt = f"{judged.ids[row]}: {truth} answered with {answer}"
    return album.show(row, id=judged.ids[row], alt=alt, truth=truth, answer=answer)
