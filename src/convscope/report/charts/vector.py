"""From an Altair chart to SVG and PNG, in one typography. Needs no browser and no network."""

import re
from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import vl_convert

from convscope.report.palette import FACE, LIGHT

_TAG = re.compile("<[^>]+>")

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart


def in_type(chart: AnyChart) -> AnyChart:
    """Set a chart's type, rules and grid as all charts of convscope have them."""
    configured = chart.configure(
        background=LIGHT["paper"],
        font=FACE,
        padding=4,
        view={"stroke": None},
        axis={
            "domainColor": LIGHT["rule"],
            "tickColor": LIGHT["rule"],
            "tickSize": 4,
            "gridColor": LIGHT["grid"],
            "labelColor": LIGHT["quiet"],
            "labelFontSize": 12,
            "labelPadding": 4,
            "titleColor": LIGHT["quiet"],
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 7,
        },
        axisY={"domain": False, "ticks": False},
        legend={
            "labelColor": LIGHT["ink"],
            "labelFontSize": 12,
            "symbolStrokeWidth": 2.5,
            "symbolSize": 90,
            "offset": 6,
            "titleColor": LIGHT["quiet"],
            "titleFontSize": 11,
            "titleFontWeight": "normal",
        },
        title={"color": LIGHT["ink"], "fontSize": 12, "fontWeight": "normal", "anchor": "start"},
    )
    return cast(AnyChart, configured)


def rows_of(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    """Records as a chart's data, without a detour through a data frame."""
    return alt.InlineData(values=list(rows))


def to_svg(chart: AnyChart, prefix: str = "") -> str:
    """Draw a chart as a standalone SVG document.

    Args:
        chart: what to draw.
        prefix: put before the names of clip paths and gradients, so that drawings can share a page.
    """
    svg = _TAG.sub(_without_roles, str(vl_convert.vegalite_to_svg(chart.to_dict())))
    return own_names(svg, prefix) if prefix else svg


def _without_roles(tag: re.Match[str]) -> str:
    """A drawing is read as one image, by the words of whoever shows it: its parts have no roles and names."""
    return re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", tag[0])


def own_names(svg: str, prefix: str) -> str:
    """The drawing with this before the names of its parts, and wherever it refers to them."""
    return re.sub(r'(\bid="|url\(#)([\w-]+)', rf"\g<1>{prefix}-\g<2>", svg)


def to_png(chart: AnyChart, scale: float = 2.0) -> bytes:
    """Draw a chart as a PNG file, `scale` pixels for each unit of the drawing."""
    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=scale))


def svg_to_png(svg: str, scale: float = 2.0) -> bytes:
    """Turn an SVG document into a PNG file."""
    return bytes(vl_convert.svg_to_png(svg, scale=scale))
