"""What does a layer make of one image?"""

import numpy as np
from PIL import Image

from convscope.inspection.activations import layer_maps
from convscope.report.looking.answer import Answer, file_name, rounded, some
from convscope.report.looking.subject import Looked, Subject
from convscope.report.palette import LIGHT, rgb
from convscope.report.pictures.canvas import Sheet, Tile, draw, enlarge, picture_of
from convscope.report.pictures.notebook import Picture
from convscope.report.pictures.sheets import map_sheet

_MOST_SHOWN = 40
_SIDE = 224


def maps_of(subject: Subject, layer: str, looked: Looked, *, named: bool = False) -> Answer:
    """The outputs of a layer's units for one image, strongest first.

    `named` puts the image's name into the file's, for images that the reader chose.
    """
    found = layer_maps(subject.network, subject.standardised(looked.pixels[None])[0], layer)
    shown = found.order[:_MOST_SHOWN]
    maps = found.maps[shown]
    count = len(found.maps)
    shown_words = (
        f"the strongest {len(shown)} of {count} units" if count > len(shown) else some(count, "unit")
    )
    sheet = map_sheet(
        maps, names=[str(unit) for unit in shown.tolist()], heading=f"{layer}: {shown_words}, strongest first"
    )
    label = "" if looked.label is None else f"class {subject.class_names[looked.label]}"
    drawing = _beside(looked, label, sheet)
    silent = int((found.strength <= 0).sum())
    strongest = int(found.order[0])
    size = f"{found.maps.shape[1]}×{found.maps.shape[2]}"
    finding = f"unit {strongest} answers strongest ({rounded(float(found.strength[strongest]))}); "
    finding += f"{silent} of {count} are nowhere above zero" if silent else f"all {count} answer somewhere"
    finding += f"; maps of {size}"
    return Answer(
        about="maps",
        name=file_name("maps", layer, looked.name.rpartition(".")[0] or looked.name if named else ""),
        title=f"One image as {layer} gives it on",
        question="Where in the image does each unit answer, and how strongly?",
        finding=finding,
        layer=layer,
        picture=Picture(
            array=maps,
            drawing=drawing,
            alt=f"The image {looked.name} and the maps of {layer} for it. {finding}.",
        ),
        numbers={
            "image": looked.name,
            "units": count,
            "never_above_zero": silent,
            "order": found.order.tolist(),
            "map_size": list(found.maps.shape[1:]),
        },
    )


def _beside(looked: Looked, label: str, sheet: Image.Image) -> Image.Image:
    """The image, and right of it the sheet."""
    picture = enlarge(picture_of(np.asarray(looked.pixels.numpy(), dtype=np.uint8)), _SIDE)
    lines = tuple(line for line in (looked.name, label) if line)
    left = draw(Sheet(tiles=[Tile(picture=picture, lines=lines)], columns=1, heading="the image"))
    size = (left.width + sheet.width, max(left.height, sheet.height))
    canvas = Image.new("RGB", size, rgb(LIGHT["paper"]))
    canvas.paste(left, (0, 0))
    canvas.paste(sheet, (left.width, 0))
    return canvas
