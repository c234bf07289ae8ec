"""The weights of a convolution, drawn."""

import numpy as np

from convscope.diagnosis import pictures as rules
from convscope.inspection.filters import LayerFilters
from convscope.looking.filters import MOST_SHOWN, SeenFilters, SeenTemplates
from convscope.report.pictures.answer import Answer, file_name, together
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import colour_filter_sheet, filter_sheet
from convscope.wording import some


def draw_filters(seen: SeenFilters) -> Answer:
    """The filters, largest first: as colours, or blue and red for one channel."""
    found, weights = seen.found, seen.weights
    names = [str(index) for index in seen.shown.tolist()]
    sheet = colour_filter_sheet if seen.channel is None else filter_sheet
    drawing = sheet(
        weights,
        limit=found.scale,
        names=names,
        marks=_marks(found, seen.shown.tolist()),
        heading=_heading(found, seen.channel),
    )
    findings = rules.filters(seen)
    asked = "" if seen.asked_channel is None else f"channel-{seen.asked_channel}"
    return Answer(
        about="filters",
        name=file_name("filters", found.layer, asked),
        title=f"The weights of {found.layer}",
        question=_question(seen),
        findings=findings,
        layer=found.layer,
        picture=Picture(
            array=weights,
            drawing=drawing,
            alt=f"{len(names)} filters of {found.layer}, largest first",
            caption=together(findings),
        ),
        numbers={
            "filters": len(found.weights),
            "shown": len(names),
            "input_channel": seen.channel,
            "dead": int(found.dead.sum()),
            "nearly_identical": int((found.twin >= 0).sum()),
            "largest_weight": found.scale,
        },
    )


def draw_templates(seen: SeenTemplates) -> Answer:
    """The templates of a linear network: what each class adds up to its score."""
    in_colour = seen.weights.shape[1] == 3
    shown = seen.weights if in_colour else seen.weights.mean(axis=1)
    sheet = colour_filter_sheet if in_colour else filter_sheet
    notes = ("The image is multiplied with a template pixel by pixel; the sum is the class's score.",)
    findings = rules.templates(seen)
    return Answer(
        about="filters",
        name="templates",
        title="The template of each class",
        question="Where must an image be bright, and where dark, to be taken for a class?",
        findings=findings,
        layer=seen.layer,
        picture=Picture(
            array=seen.weights,
            drawing=sheet(shown, names=seen.names, heading="A template for each class", notes=notes),
            alt=f"{some(len(seen.names), 'template')}: {', '.join(seen.names)}",
            caption=together(findings),
        ),
        numbers={"classes": list(seen.names), "largest_weight": float(np.abs(seen.weights).max())},
    )


def _question(seen: SeenFilters) -> str:
    if seen.reads_image:
        return "Which pattern does each unit look for? Edges and blobs are healthy, noise is not."
    return "How does each unit weigh one of the maps that come in? Red adds to its answer, blue takes away."


def _heading(found: LayerFilters, channel: int | None) -> str:
    count, channels = found.weights.shape[:2]
    shown = f"{min(count, MOST_SHOWN)} of {count}" if count > MOST_SHOWN else f"{count}"
    of_channel = (
        f", for input channel {channel} (of 0 to {channels - 1})"
        if channel is not None and channels > 1
        else ""
    )
    return f"{found.layer}: {shown} filters, the largest first{of_channel}"


def _marks(found: LayerFilters, shown: list[int]) -> dict[int, str]:
    marks = {
        place: f"like {found.twin[index]}" for place, index in enumerate(shown) if found.twin[index] >= 0
    }
    return marks | {place: "dead" for place, index in enumerate(shown) if found.dead[index]}
