"""The report's section on one prediction, step by step: from a pixel through filters to the probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from convscope.inspection.arithmetic.documents import PredictionPath
from convscope.inspection.arithmetic.steps import WeightedSum
from convscope.report.layers.steps import steps_html
from convscope.report.layers.views import Shades
from convscope.report.page.material import Material
from convscope.report.wording import number
from convscope.runs.folder import STEP_BY_STEP, Run
from convscope.wording import percent

_MOST = 12
"""Steps that are shown whole; of more, those in the middle stand folded."""
_FIRST, _LAST = 6, 4
_CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class WaySection:
    """What the section shows.

    Attributes:
        image: where the image is from.
        uri: the image itself.
        sums: how many weighted sums lie on the way.
        first, between, last: the steps; the middle of a long way is folded.
        outputs: of the likeliest classes name, logit, and probability.
        temperature: what the logits are divided by before they become probabilities; empty where that is 1.
        answer: the class, or the number.
        mirrored: whether the classifier asks for the mirror image, too.
    """

    image: str
    uri: str
    sums: int
    first: Markup
    between: Markup | None
    num_between: int
    last: Markup | None
    outputs: Sequence[tuple[str, str, str]]
    temperature: str
    answer: str
    mirrored: bool


def way_section(material: Material) -> WaySection | None:
    """The section; None for a run that kept no way."""
    run = Run(material.path)
    if not run.has(STEP_BY_STEP):
        return None
    kept = run.read(STEP_BY_STEP)
    path = PredictionPath.from_dict({name: kept[name] for name in ("output", "steps", "logits", "pixel")})
    mean, std = np.array(kept["mean"]), np.array(kept["std"])
    shades = Shades(
        low=tuple((-mean / std).tolist()),
        high=tuple(((1 - mean) / std).tolist()),
        channels=("grey",) if len(mean) == 1 else ("red", "green", "blue"),
    )
    is_long = len(path.steps) > _MOST
    between = path.steps[_FIRST:-_LAST] if is_long else ()
    names, temperature = material.class_names, _temperature(material)
    return WaySection(
        image=f"{kept['split']} image {kept['image']}",
        uri=f"data:image/png;base64,{kept['png']}",
        sums=sum(isinstance(step, WeightedSum) for step in path.steps),
        first=steps_html(path.steps[:_FIRST] if is_long else path.steps, shades),
        between=steps_html(between, shades) if between else None,
        num_between=len(between),
        last=steps_html(path.steps[-_LAST:], shades) if is_long else None,
        outputs=[] if material.is_regression else _outputs(path, names, temperature),
        temperature="" if temperature == 1 else number(temperature, 3),
        answer="the number" if material.is_regression else f"“{names[path.output]}”",
        mirrored=bool(kept.get("mirrored")),
    )


def _temperature(material: Material) -> float:
    """Of the classifier that the run kept; runs from before one was fitted have none."""
    fitted = material.summary.get("temperature") or {}
    return float(fitted.get("value", 1.0))


def _outputs(path: PredictionPath, names: Sequence[str], temperature: float) -> list[tuple[str, str, str]]:
    logits = np.array(path.logits)
    shares = np.exp((logits - logits.max()) / temperature)
    shares /= shares.sum()
    order: list[Any] = np.argsort(-logits, kind="stable")[:_CLASSES].tolist()
    return [(names[each], number(float(logits[each]), 4), percent(float(shares[each]), 1)) for each in order]
