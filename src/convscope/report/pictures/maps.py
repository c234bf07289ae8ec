"""What a layer makes of one image, drawn."""

import numpy as np

from convscope.diagnosis import pictures as rules
from convscope.looking.maps import SeenMaps
from convscope.looking.subject import Looked, Subject
from convscope.report.paper.canvas import Sheet, Tile, draw, enlarge, picture_of
from convscope.report.paper.drawing import Drawing, beside
from convscope.report.pictures.answer import Answer, file_name, split_words, stem_of, together
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import map_sheet
from convscope.report.pictures.signals import nonlinearity_name
from convscope.wording import some

_MOST_SHOWN = 40
_SIDE = 224


def draw_maps(subject: Subject, seen: SeenMaps) -> Answer:
    """The image, and beside it the outputs of a layer's units for it, strongest first."""
    found, looked, layer = seen.found, seen.looked, seen.layer
    shown = found.order[:_MOST_SHOWN]
    maps = found.maps[shown]
    count = len(found.maps)
    words = f"the strongest {len(shown)} of {count} units" if count > len(shown) else some(count, "unit")
    sheet = map_sheet(
        maps,
        names=[str(unit) for unit in shown.tolist()],
        heading=f"{layer}: {words}, strongest first",
        notes=(_behind(found.nonlinearity),),
    )
    label = "" if looked.label is None else f"class {subject.class_names[looked.label]}"
    findings = rules.maps(seen)
    return Answer(
        about="maps",
        name=file_name("maps", layer, stem_of(looked) if seen.is_chosen else ""),
        title=f"One image as {layer} gives it on",
        question="Where in the image does each unit answer, and how strongly?",
        findings=findings,
        layer=layer,
        shows=looked.digest if seen.is_chosen else "",
        picture=Picture(
            array=maps,
            drawing=_beside(looked, label, sheet),
            alt=f"The image {looked.name} and {words} of {layer} for it, strongest first",
            caption=together(findings),
        ),
        numbers={
            "image": looked.name,
            "split": looked.split,
            "units": count,
            "behind": found.nonlinearity or None,
            "never_above_zero": int((found.strength <= 0).sum()),
            "order": found.order.tolist(),
            "map_size": list(found.maps.shape[1:]),
        },
    )


def _behind(nonlinearity: str) -> str:
    """Where on the way the maps were taken."""
    if nonlinearity:
        return f"As they are given on, behind the {nonlinearity_name(nonlinearity)}. One scale for all."
    return "The layer's own values; no non-linearity follows. One scale for all."


def _beside(looked: Looked, label: str, sheet: Drawing) -> Drawing:
    """The image, and right of it the sheet."""
    picture = enlarge(picture_of(np.asarray(looked.pixels.numpy(), dtype=np.uint8)), _SIDE)
    lines = tuple(line for line in (looked.name, label, split_words([looked])) if line)
    left = draw(Sheet(tiles=[Tile(picture=picture, lines=lines)], columns=1, heading="the image"))
    return beside([left, sheet])
