"""Errors, drawn."""

from convscope.looking.mistakes import SeenErrors
from convscope.report.pictures.grids import image_grid
from convscope.report.pictures.notebook import Picture


def draw_errors(seen: SeenErrors) -> Picture:
    """The images with their true class and the one that they were taken for, the worst first."""
    said = ", ".join(f"{a} taken for {b}" for a, b in zip(seen.true, seen.predicted, strict=True))
    return Picture(
        array=seen.pixels,
        drawing=image_grid(seen.pixels, seen.true, seen.predicted),
        alt=f"The worst errors: {said}",
    )
