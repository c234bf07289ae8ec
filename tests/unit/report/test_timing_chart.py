"""E14's charts."""

from convscope.benchmarking.comparing import BySize, TimesCompared
from convscope.report.charts.timing import timing_charts
from convscope.report.charts.vector import to_svg


def line(name: str, values: dict[int, float], **more: object) -> BySize:
    return BySize(name=name, direction="forward_backward", values=values, sds={}, **more)  # type: ignore[arg-type]


def test_both_charts_name_their_lines_and_the_ratio_has_the_colour_of_what_is_divided() -> None:
    times = (line("ours", {1: 0.2, 2: 0.3}), line("source: GPU", {1: 0.1, 2: 0.1}, is_reported=True))
    ratio = line("source: GPU / ours", {1: 0.5, 2: 1 / 3}, over="source: GPU")

    drawn = to_svg(timing_charts(TimesCompared(network="vgg16", times=times, ratios=(ratio,))))

    for name in ("ours", "source: GPU", "source: GPU / ours", "vgg16: seconds for a batch", "times as long"):
        assert f">{name}<" in drawn
    assert drawn.count("#66645e") > drawn.count("#2467ad")  # the grey is in both charts, the blue in one


def test_one_batch_size_and_no_ratio_is_a_chart_too() -> None:
    drawn = to_svg(timing_charts(TimesCompared(network="linear", times=(line("ours", {1: 0.2}),), ratios=())))

    assert ">linear: seconds for a batch<" in drawn
    assert "times as long" not in drawn
