from collections import Counter

import numpy as np
import pytest

from convscope.data.splitting.splits import clusters, divide, folds, links_of
from convscope.errors import DataError

SHARES = {"test": 0.15, "validation": 0.15}


def named(count, prefix="h"):
    return [f"{prefix}{index:05d}" for index in range(count)]


def test_shares_hold_in_every_class():
    strata = ["a"] * 200 + ["b"] * 40
    deal = divide(named(240), strata, range(240), SHARES, seed=0)
    assert Counter(zip(strata, deal.splits, strict=True)) == {
        ("a", "train"): 140,
        ("a", "validation"): 30,
        ("a", "test"): 30,
        ("b", "train"): 28,
        ("b", "validation"): 6,
        ("b", "test"): 6,
    }
    assert deal.notes == ()


def test_order_does_not_matter_and_the_seed_does():
    hashes = named(300)
    strata = ["a" if index % 3 else "b" for index in range(300)]
    splits = dict(zip(hashes, divide(hashes, strata, range(300), SHARES, seed=0).splits, strict=True))
    order = np.random.default_rng(0).permutation(300)
    again = divide([hashes[i] for i in order], [strata[i] for i in order], range(300), SHARES, seed=0)
    assert again.splits == tuple(splits[hashes[i]] for i in order)
    other = divide(hashes, strata, range(300), SHARES, seed=1).splits
    assert other != tuple(splits[digest] for digest in hashes)


@pytest.mark.parametrize("count", [3, 4, 5, 7])
def test_small_class_stands_in_every_split(count):
    deal = divide(named(count), ["a"] * count, range(count), SHARES, seed=3)
    assert set(deal.splits) == {"train", "validation", "test"}


def test_class_too_small_for_all_splits_is_noted_and_trained_on():
    deal = divide(named(2), ["owl", "owl"], range(2), SHARES, seed=0)
    assert "train" in deal.splits
    assert deal.notes == ("class 'owl' has only 2 images to divide: not every split has one",)


def test_clusters_are_never_torn():
    cluster_of = [index // 7 for index in range(210)]
    deal = divide(named(210), ["a"] * 210, cluster_of, SHARES, seed=5)
    for cluster in range(30):
        assert len(set(deal.splits[7 * cluster : 7 * cluster + 7])) == 1
    assert Counter(deal.splits)["test"] == pytest.approx(0.15 * 210, abs=7)


def test_one_huge_cluster_goes_to_training():
    cluster_of = [0] * 90 + list(range(1, 11))
    deal = divide(named(100), ["a"] * 100, cluster_of, SHARES, seed=0)
    assert set(deal.splits[:90]) == {"train"}
    assert set(deal.splits[90:]) >= {"validation", "test"}


def test_links_join_into_clusters():
    assert clusters(6, [[4, 1], [1, 3]]) == [0, 1, 2, 1, 1, 5]
    assert links_of(["x", None, "y", "x", None]) == [[0, 3]]


def test_clusters_are_the_connected_components_of_any_links():
    random = np.random.default_rng(0)
    for _ in range(20):
        links = [random.choice(60, size=random.integers(2, 5), replace=False).tolist() for _ in range(20)]
        graph = np.eye(60, dtype=bool)
        for link in links:
            graph[np.ix_(link, link)] = True
        reached = np.linalg.matrix_power(graph.astype(float), 60) > 0
        assert clusters(60, links) == [int(row.argmax()) for row in reached]


def test_a_long_chain_is_one_cluster():
    count = 20_000
    assert set(clusters(count, [[index + 1, index] for index in range(count - 1)])) == {0}
    assert set(clusters(count, [[index, index + 1] for index in reversed(range(count - 1))])) == {0}


def test_every_image_is_held_out_once_in_each_repeat_and_clusters_stay_whole():
    cluster_of = [index // 2 for index in range(120)]
    strata = ["a" if index < 80 else "b" for index in range(120)]
    parts = folds(named(120), strata, cluster_of, k=5, repeats=3, seed=0)
    assert len(parts) == 15
    for repeat in range(3):
        mine = [part for part in parts if part.repeat == repeat]
        assert sorted(index for part in mine for index in part.held_out) == list(range(120))
        for part in mine:
            assert set(part.train).isdisjoint(part.held_out)
            assert {cluster_of[i] for i in part.train}.isdisjoint(cluster_of[i] for i in part.held_out)
            assert Counter(strata[i] for i in part.held_out) == {"a": 16, "b": 8}
    assert parts[0].held_out != parts[5].held_out


def test_folds_do_not_depend_on_order():
    hashes = named(60)
    order = np.random.default_rng(1).permutation(60)
    first = folds(hashes, ["a"] * 60, range(60), k=4)[2]
    second = folds([hashes[i] for i in order], ["a"] * 60, range(60), k=4)[2]
    assert {hashes[i] for i in first.held_out} == {hashes[order[i]] for i in second.held_out}


def test_more_folds_than_images_of_a_class_are_refused():
    with pytest.raises(DataError, match="class 'b' has 3"):
        folds(named(13), ["a"] * 10 + ["b"] * 3, range(13), k=5)


def test_a_thousand_small_classes_are_one_note():
    strata = [f"class {index}" for index in range(1000) for _ in range(1 + index % 2)]
    (note,) = divide(named(1500), strata, range(1500), SHARES, seed=0).notes
    assert note == (
        "1,000 classes have only 1 to 2 images each to divide: not every split has one of them: "
        "'class 0', 'class 1', 'class 2' and 997 more"
    )


def test_class_whose_images_lie_in_too_few_groups_is_noted_with_these():
    """Owls have 10 images, in two groups; that the groups hold ants, too, is no lack of ants."""
    strata = (["owl"] * 5 + ["ant"] * 5) * 2 + ["ant"] * 40
    cluster_of = [0] * 10 + [1] * 10 + list(range(2, 42))
    assert divide(named(60), strata, cluster_of, SHARES, seed=0).notes == (
        "class 'owl' has only 2 groups of images to divide: not every split has one",
    )
