"""The style of the parts of pages that this drawer makes."""

from importlib import resources


def style() -> str:
    """`templates/steps.css`."""
    return resources.files("convscope.report.layers").joinpath("templates/steps.css").read_text("utf-8")
