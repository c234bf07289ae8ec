"""Images that must stay together do, however they are named: by folds, by splits, by groups."""

import pytest

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.training.folding.cross_validation import split_into_folds


@pytest.fixture
def write_table(tmp_path, picture):
    """Lines below `head` → a table beside 24 pictures 0.png, 1.png, …"""
    for index in range(24):
        picture(index, (12, 12)).save(tmp_path / f"{index}.png")

    def write(lines, head="path,label"):
        (tmp_path / "table.csv").write_text("\n".join((head, *lines)) + "\n")
        return tmp_path / "table.csv"

    return write


def folds_of(path, folds=4, **options):
    config = DataConfig(source=str(path), folds=folds, **options)
    dataset = load_dataset(config, size=(12, 12), channels=3, fit="squash", seed=0)
    return [part.dataset for part in split_into_folds(dataset, folds, seed=0)]


def test_path_listed_twice_stands_on_one_side_of_every_fold(write_table):
    lines = [f"{index}.png,{'ab'[index % 2]}" for index in range(24)]
    for part in folds_of(write_table([*lines, *lines])):
        assert len(part.train) + len(part.test) == 48
        assert set(part.train.ids).isdisjoint(part.test.ids)


def test_copies_under_other_names_stay_on_one_side_of_every_fold(write_table, tmp_path):
    lines = [f"{index}.png,{'ab'[index % 2]}" for index in range(24)]
    (tmp_path / "copies").mkdir()
    for index in range(24):
        (tmp_path / "copies" / f"{index}.png").write_bytes((tmp_path / f"{index}.png").read_bytes())
    for part in folds_of(write_table([*lines, *(f"copies/{line}" for line in lines)])):
        assert set(part.train.hashes).isdisjoint(part.test.hashes)


def test_a_path_listed_in_two_groups_joins_them(write_table):
    lines = [f"{index}.png,{'ab'[index % 2]},{index // 2}" for index in range(24)]
    for part in folds_of(write_table([*lines, "0.png,a,1"], "path,label,group"), folds=2):
        held_out, trained = (
            {int(name.removesuffix(".png")) // 2 for name in images.ids} for images in (part.test, part.train)
        )
        assert held_out.isdisjoint(trained)
        assert (0 in held_out) == (1 in held_out)
