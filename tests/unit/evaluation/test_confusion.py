import numpy as np
from sklearn import metrics as reference

from convscope.evaluation.confusion import Confusion, abbreviate, confusion_matrix

INSECTS = Confusion(np.array([[20, 1, 0], [0, 22, 1], [1, 3, 14]]), ("ant", "bee", "wasp"))


def test_counts_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    labels, predicted = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    counts = confusion_matrix(predicted, labels, tuple("abcdef")).counts
    assert np.array_equal(counts, reference.confusion_matrix(labels, predicted, labels=range(6)))


def test_most_confused_come_first() -> None:
    pairs = [str(pair) for pair in INSECTS.pairs()]
    assert pairs == [
        "wasp taken for bee 3 times",
        "ant taken for bee once",
        "bee taken for wasp once",
        "wasp taken for ant once",
    ]
    assert INSECTS.pairs(1)[0].support == 18


def test_without_errors_nothing_is_confused() -> None:
    assert Confusion(np.diag([3, 4]), ("a", "b")).pairs() == ()


def test_text() -> None:
    assert str(INSECTS).splitlines() == [
        "true \\ taken for  ant  bee  wasp",
        "ant                20    1     ·",
        "bee                 ·   22     1",
        "wasp                1    3    14",
    ]


def test_text_spells_names_out_where_there_is_room() -> None:
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    assert str(Confusion(np.eye(10, dtype=np.int64), names)).splitlines()[0].split()[4:] == list(names)


def test_text_of_twenty_long_names_is_aligned_and_tells_them_apart() -> None:
    names = tuple(f"a very long name of some kind of animal {index}" for index in range(20))
    lines = str(Confusion(np.full((20, 20), 12_345), names)).splitlines()
    assert len(lines) == 21
    assert len({len(line) for line in lines}) == 1
    assert len({line[:18] for line in lines}) == 21


def test_text_numbers_what_cannot_be_told_apart() -> None:
    lines = str(Confusion(np.eye(2, dtype=np.int64), ("a" * 90 + "x" + "b" * 90, "a" * 90 + "y" + "b" * 90)))
    assert lines.splitlines()[0].split()[-2:] == ["1", "2"]
    assert lines.splitlines()[2].startswith(" 2 aaa")


def test_text_aligns_wide_letters() -> None:
    lines = str(Confusion(np.array([[1, 2], [3, 4]]), ("蜂", "ant\n"))).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("蜂  ant�")
    assert lines[1].endswith(" 1     2")


def test_many_classes_show_the_most_confused_pairs_alone() -> None:
    counts = np.diag(np.full(100, 10))
    counts[3, 5] = 7
    names = tuple(f"class {index}" for index in range(100))
    assert str(Confusion(counts, names)).splitlines() == [
        "most confused of 100 classes",
        "  class 3 taken for class 5 7 times, of 17",
    ]
    assert "class 3 taken for class 5" in Confusion(counts, names)._repr_html_()


def test_abbreviations_keep_what_differs() -> None:
    assert abbreviate(["hornet", "wasp"], 5) == ["horn…", "wasp"]
    assert abbreviate(["photos of ants", "photos of bees"], 9) == ["phot…ants", "phot…bees"]
