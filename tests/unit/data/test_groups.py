"""Groups stay whole, and what was asked for and cannot be had is refused or said."""

import pytest

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.sources import open_source
from convscope.errors import UsageError

parquet = pytest.importorskip("pyarrow.parquet", reason="needs Parquet: pip install pyarrow")
pyarrow = pytest.importorskip("pyarrow", reason="needs Parquet: pip install pyarrow")


@pytest.fixture
def pictures(tmp_path, picture):
    """30 pictures: images/0.png, images/1.png, …"""
    (tmp_path / "images").mkdir()
    for index in range(30):
        picture(index, (12, 12)).save(tmp_path / "images" / f"{index}.png")
    return tmp_path


def load(path, **options):
    return load_dataset(
        DataConfig(source=str(path), **options), size=(12, 12), channels=3, fit="squash", seed=0
    )


def sides_of_groups(dataset, group_of):
    sides = {}
    for split, images in dataset.splits.items():
        for name in images.ids:
            sides.setdefault(group_of[name], set()).add(split)
    return sides


@pytest.mark.parametrize("kind", [int, float, str, bool])
def test_every_value_of_a_typed_column_is_a_group_also_zero(pictures, kind):
    """Group 0 was taken for no group, and its images stood in all three splits."""
    names = [f"images/{index}.png" for index in range(30)]
    groups = [kind(index // 10) if kind is not bool else index >= 15 for index in range(30)]
    columns = {"path": names, "label": ["ab"[index % 2] for index in range(30)], "group": groups}
    parquet.write_table(pyarrow.table(columns), pictures / "table.parquet")
    dataset = load(pictures / "table.parquet")
    sides = sides_of_groups(dataset, dict(zip(names, groups, strict=True)))
    assert all(len(splits) == 1 for splits in sides.values())
    assert f"{len(set(groups))} groups, kept whole (by group)" in dataset.notes


def test_images_in_no_group_are_counted_and_named(pictures):
    lines = [f"images/{i}.png,{'ab'[i % 2]},{'' if i in (3, 7) else i // 3}" for i in range(30)]
    (pictures / "t.csv").write_text("\n".join(["path,label,scene", *lines]))
    notes = open_source(DataConfig(source=str(pictures / "t.csv"), group_by="scene")).notes
    assert notes == (
        "10 groups, kept whole (by scene); 2 images are in none, each for itself: images/3.png, images/7.png",
    )


@pytest.mark.parametrize("group_by", ["scene(\\d)", "Cat", "^/cat", "x*"])
def test_group_by_that_matches_no_path_is_refused(make_folder, group_by):
    folder = make_folder({"cat": 3, "dog": 3})
    with pytest.raises(UsageError, match=r"matches no path of photos.*paths look like this: cat/000.png"):
        open_source(DataConfig(source=str(folder), group_by=group_by))


def test_misspelt_column_is_refused_with_the_nearest(pictures):
    lines = [f"images/{i}.png,{'ab'[i % 2]},{i // 3}" for i in range(30)]
    (pictures / "t.csv").write_text("\n".join(["path,label,patient", *lines]))
    with pytest.raises(UsageError, match=r"'patinet' is no column of t .* did you mean patient\?"):
        open_source(DataConfig(source=str(pictures / "t.csv"), group_by="patinet"))


def test_empty_column_of_groups_is_refused(pictures):
    lines = [f"images/{i}.png,{'ab'[i % 2]}," for i in range(30)]
    (pictures / "t.csv").write_text("\n".join(["path,label,patient", *lines]))
    with pytest.raises(UsageError, match="is a column of t that is empty"):
        open_source(DataConfig(source=str(pictures / "t.csv"), group_by="patient"))


def test_one_group_around_everything_is_refused(make_folder):
    folder = make_folder({"cat": 3, "dog": 3})
    with pytest.raises(UsageError, match="puts all 6 images into one group, 'png'"):
        open_source(DataConfig(source=str(folder), group_by="png"))


def test_named_set_has_no_groups():
    with pytest.raises(UsageError, match=r"counting.* has neither"):
        open_source(DataConfig(source="counting:1-3?images=9", group_by="scene"))


def test_group_that_the_given_splits_tear_is_said(make_folder):
    folder = make_folder({"train/a": 9, "train/b": 9, "test/a": 3, "test/b": 3})
    dataset = load(folder, group_by=r"00(\d)")
    assert any(
        note.startswith("3 groups stand in two of the given splits, and so left: '0', '1'")
        for note in dataset.notes
    )


def table_of(pictures, columns, cells):
    """A table of the 30 pictures, two classes; `cells` gives what else stands in a line."""
    lines = [f"images/{i}.png,{'ab'[i % 2]},{cells(i)}" for i in range(30)]
    (pictures / "t.csv").write_text("\n".join([f"path,label,{columns}", *lines]))
    return pictures / "t.csv"


@pytest.mark.parametrize("group_by", [r"/(\d)", "patinet"])
def test_what_was_asked_for_comes_before_a_column_named_group(pictures, group_by):
    """The column was taken in place of the pattern, and in place of a misspelt name, without a word."""
    path = table_of(pictures, "group,patient", lambda i: f"{i % 3},{i // 10}")
    if group_by == "patinet":
        with pytest.raises(UsageError, match="is no column of t"):
            open_source(DataConfig(source=str(path), group_by=group_by))
    else:
        groups = {item.group for item in open_source(DataConfig(source=str(path), group_by=group_by)).items}
        assert groups == {str(digit) for digit in range(10)}


def test_a_copy_without_a_split_of_a_test_image_is_left_out(pictures):
    """It was dealt like any other, and 7 of 8 such copies were learned from."""
    for number in range(4):
        (pictures / "images" / f"{20 + number}.png").write_bytes(
            (pictures / "images" / f"{number}.png").read_bytes()
        )
    dataset = load(table_of(pictures, "split", lambda i: "test" if i < 6 else ""))
    assert set(dataset.test.ids) == {f"images/{i}.png" for i in range(6)}
    placed = {name for images in dataset.splits.values() for name in images.ids}
    assert placed == {f"images/{i}.png" for i in range(30) if not 20 <= i < 24}
    assert any(note.startswith("4 left out, because a stricter split") for note in dataset.notes)


def test_images_without_a_split_go_where_their_group_was_put(pictures):
    path = table_of(pictures, "split,group", lambda i: f"{'test' if i in (0, 1) else ''},{i // 6}")
    dataset = load(path)
    assert set(dataset.test.ids) == {f"images/{i}.png" for i in range(6)}


def test_what_is_marked_for_training_is_no_test(pictures):
    """With other images to deal out, it was tested on too."""
    dataset = load(table_of(pictures, "split", lambda i: "train" if i < 10 else ""))
    assert dataset.test.ids
    assert not {f"images/{i}.png" for i in range(10)} & set(dataset.test.ids)
    assert dataset.validation.ids
