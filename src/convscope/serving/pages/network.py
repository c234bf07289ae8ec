"""The page Network: a run's layers, their maps for an image, and the arithmetic of each value.

Every state has an address: layer and unit in the path; image, row and column in the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from convscope.serving.pages.rendering import render
from convscope.serving.workbench import Entry, Workbench

if TYPE_CHECKING:
    from convscope.serving.lens.network import NetworkView

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Query(ge=0)]
Place = Annotated[int | None, Query(ge=0)]


@router.get("/runs/{run}/network")
def network(request: Request, run: str, image: Number = 0) -> HTMLResponse:
    """The layers in their shapes."""
    entry, view = _view(request, run, image)
    return _page(entry, view)


@router.get("/runs/{run}/network/{layer}")
def layer(request: Request, run: str, layer: str, image: Number = 0, units: str = "") -> HTMLResponse:
    """A layer's filters and its maps for the image."""
    entry, view = _view(request, run, image)
    return _page(entry, view, layer=view.layer(layer, is_whole=units == "all"))


@router.get("/runs/{run}/network/{layer}/{unit}")
def unit(
    request: Request,
    run: str,
    layer: str,
    unit: int,
    image: Number = 0,
    row: Place = None,
    column: Place = None,
    part: str = "",
) -> Response:
    """A unit's map, the arithmetic of one of its values, and what excites it most.

    `part` is `pixel` or `patches` for that part of the page alone. A map that was clicked without a script
    sends where, in pixels of the picture: the answer leads to the address of that value.
    """
    entry, view = _view(request, run, image)
    if part == "patches":
        patches, says = view.patches(layer, unit)
        return render("network_patches.html", patches=patches, says=says)
    clicked = request.query_params.get("at.x", ""), request.query_params.get("at.y", "")
    pixel = view.pixel(layer, unit, row, column)
    if all(each.isdecimal() for each in clicked):
        across, down = (int(each) for each in clicked)
        place = {
            "row": min(pixel.rows - 1, down * pixel.rows // pixel.height),
            "column": min(pixel.columns - 1, across * pixel.columns // pixel.width),
        }
        return RedirectResponse(view.address(layer, unit, **place), status_code=303)
    if part == "pixel":
        return render("network_pixel.html", pixel=pixel, here=view.address(layer, unit))
    whole: dict[str, Any] = {"layer": view.layer(layer), "pixel": pixel}
    if request.query_params.get("patches") == "all":
        whole["patches"] = view.patches(layer, unit)
    return _page(entry, view, here=view.address(layer, unit), **whole)


def _view(request: Request, run: str, image: int) -> tuple[Entry, NetworkView]:
    from convscope.serving.lens.network import NetworkView

    workbench: Workbench = request.app.state.workbench
    entry = workbench.find(run)
    lens = request.app.state.lenses.of(workbench.subject(run))
    return entry, NetworkView(lens, f"{entry.address}/network", image)


def _page(entry: Entry, view: NetworkView, **shown: Any) -> HTMLResponse:
    known = {"layer": None, "pixel": None, "patches": None, "here": view.address(), **shown}
    chosen = known["layer"].name if known["layer"] else ""
    return render(
        "network.html",
        run=entry,
        tab="network",
        image=view.image,
        size=view.size,
        diagram=view.diagram(chosen),
        home=view.address(),
        layer_address=view.address(chosen) if chosen else "",
        **known,
    )
