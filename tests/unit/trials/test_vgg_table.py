import json

import pytest

from convscope.trials.vgg_table import VGGTable, measure_vgg


@pytest.fixture(scope="module")
def table() -> VGGTable:
    return measure_vgg()


def test_every_weight_of_the_published_table_is_the_same(table: VGGTable) -> None:
    assert len(table.layers) == 16
    assert [each.measured for each in table.layers] == [each.reported for each in table.layers]
    assert table.layers[0].name == "conv1_1"
    assert all(claim.holds for claim in table.claims)


def test_the_totals_are_the_published_ones(table: VGGTable) -> None:
    millions = {depth: round(total / 1e6) for depth, total in table.totals.items()}
    assert millions == {11: 133, 13: 133, 16: 138, 19: 144}


def test_what_stacked_convolutions_see_and_weigh(table: VGGTable) -> None:
    figures = [claim.figures for claim in table.claims]
    assert [each["seen"] for each in figures if "seen" in each] == [[5, 5], [7, 7]]
    ratio = next(each for each in figures if "share" in each)
    assert ratio["share"] == pytest.approx(27 / 49)


def test_the_sources_mistakes_are_shown_to_be_that(table: VGGTable) -> None:
    pooling, grey = table.mistakes
    assert not pooling.holds
    assert pooling.figures["before"] == pooling.figures["after"] == [64, 128, 256, 512, 512]
    assert not grey.holds
    assert grey.figures == {"reported": 1728, "measured": 576}


def test_its_figures_are_json(table: VGGTable) -> None:
    values = table.to_dict()
    assert json.loads(json.dumps(values, allow_nan=False)).keys() == values.keys()
