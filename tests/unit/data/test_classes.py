import pytest

from convscope.data.classes import canonical, match_classes, natural_order, refuse_unknown
from convscope.errors import DataError


def test_numbers_in_names_count_as_numbers():
    assert natural_order(["img10", "img2", "Zoo", "ant", "img2b", "img02"]) == (
        "ant",
        "img02",
        "img2",
        "img2b",
        "img10",
        "Zoo",
    )


def test_signs_that_look_like_numbers_are_names():
    assert natural_order(["③", "m²", "①", "10", "m", "9"]) == ("9", "10", "m", "m²", "①", "③")
    assert natural_order(["٣", "img"]) == ("img", "٣")


def test_numbers_may_have_any_length():
    names = ["8" * 5_000, "9" * 4_999, "0" * 6_000 + "7"]
    assert natural_order(names) == (names[2], names[1], names[0])


def test_indices_never_shift():
    match = match_classes(("wasp", "ant", "bee"), ["bee", "hornet", "ant"])
    assert match.class_names == ("wasp", "ant", "bee")
    assert match.missing == ("wasp",)
    assert match.unknown == ("hornet",)


def test_refusal_names_missing_and_unknown():
    with pytest.raises(
        DataError, match=r"(?s)no images of 'wasp' and has a class .* 'hornet'.*--ignore-unknown"
    ):
        refuse_unknown(match_classes(("ant", "wasp"), ["ant", "hornet"]), "other/")
    refuse_unknown(match_classes(("ant", "wasp"), ["ant"]), "other/")


def test_accents_have_one_spelling():
    assert canonical("e\u0301te\u0301") == canonical("\u00e9t\u00e9")
