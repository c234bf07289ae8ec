"""Folders as people have them: recognised, or asked about; never taken for something else in silence."""

import json
import zipfile
from collections import Counter

import pytest

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.sources import open_source
from convscope.data.sources.split_names import read_split, read_splits
from convscope.errors import DataError


def opened(path, **options):
    return open_source(DataConfig(source=str(path), **options))


def splits_of(source):
    return Counter((item.split, item.label) for item in source.items)


@pytest.fixture(params=["folder", "zip"])
def packed(request, make_folder, tmp_path):
    """The same files as a folder, and in an archive."""

    def make(counts, texts=()):
        folder = make_folder(counts)
        for name in texts:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("words")
        if request.param == "folder":
            return folder
        with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder).as_posix())
        return tmp_path / "packed.zip"

    return make


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("training_set", "train"),
        ("TrainSet", "train"),
        ("train-images", "train"),
        ("train2017", "train"),
        ("valid", "validation"),
        ("val_data", "validation"),
        ("eval", "test"),
        ("Evaluation", "test"),
        ("test1", "test"),
        ("testdata", "test"),
        ("cat", None),
        ("train_station", None),
        ("contest", None),
        ("trainers", None),
        ("set", None),
    ],
)
def test_a_name_means_a_split_or_none(name, split):
    assert read_split(name) == split


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("seg_train", "seg_test", "seg_pred"), ["train", "test", "unlabelled"]),
        (("asl_alphabet_train", "asl_alphabet_test"), ["train", "test"]),
        (("train_cats", "test_cats"), ["train", "test"]),
        (("train", "test", "docs"), ["train", "test", None]),
        (("trainA", "trainB", "testA", "testB"), [None] * 4),
    ],
)
def test_what_names_have_in_common_says_nothing(names, splits):
    assert list(read_splits(names).values()) == splits


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("Training", "eval"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train/images", "test/images"),
        ("archive/data/train", "archive/data/test"),
    ],
)
def test_splits_under_other_names_are_splits(packed, train, test):
    path = packed({f"{train}/a": 3, f"{train}/b": 3, f"{test}/a": 2, f"{test}/b": 1})
    assert splits_of(opened(path)) == {
        ("train", "a"): 3,
        ("train", "b"): 3,
        ("test", "a"): 2,
        ("test", "b"): 1,
    }


def test_another_name_of_a_split_is_said(make_folder):
    source = opened(make_folder({"Training/a": 1, "Training/b": 1, "eval/a": 1}))
    assert source.notes == ("the folders are read as splits: eval as test",)


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "Validation", "test_set")])
def test_splits_inside_the_classes_are_splits(packed, names):
    source = opened(packed({f"{label}/{name}": 2 for label in ("cat", "dog") for name in names}))
    assert source.class_names == ("cat", "dog")
    assert {item.split for item in source.items} == {read_split(name) for name in names}
    assert source.notes[0].startswith("the splits lie inside the classes")


@pytest.mark.parametrize(
    "counts",
    [
        {"site_A/cat": 2, "site_A/dog": 2, "site_B/cat": 2, "site_B/dog": 2},
        {f"fold_{k}/{name}": 1 for k in range(5) for name in ("a", "b", "c") if (k, name) != (3, "b")},
        {"site_A": 1, "site_A/cat": 12, "site_A/dog": 12, "site_B/cat": 2, "site_B/dog": 2},
        {"train/x/cat": 1, "train/x/dog": 1, "train/y/cat": 1, "train/y/dog": 1},
    ],
)
def test_folders_that_all_hold_the_same_folders_are_asked_about(packed, counts):
    with pytest.raises(DataError, match=r"all hold the same folders.*\n.*name one of the outer folders"):
        opened(packed(counts))


def test_inner_folders_that_are_known_to_be_groups_are_none(make_folder):
    folder = make_folder({"cat/day1": 2, "cat/day2": 2, "dog/day1": 2, "dog/day2": 2})
    source = opened(folder, group_by="[^/]+/([^/]+)/")
    assert source.class_names == ("cat", "dog")
    assert {item.group for item in source.items} == {"day1", "day2"}


def test_folders_of_masks_beside_images_are_passed_over(packed):
    counts = {f"{name}/{inner}": 2 for name in ("COVID", "Normal") for inner in ("images", "masks")}
    source = opened(packed(counts))
    assert splits_of(source) == {(None, "COVID"): 2, (None, "Normal"): 2}
    assert source.notes == ("passed over inside the classes: masks",)


@pytest.mark.parametrize(
    "names", [("trainA", "trainB", "testA", "testB"), ("train_lo", "train_hi", "val_hi")]
)
def test_names_that_only_look_like_splits_are_asked_about(make_folder, names):
    with pytest.raises(DataError, match="look like splits, but not like which"):
        opened(make_folder(dict.fromkeys(names, 2)))


def test_a_class_may_be_called_train(make_folder):
    source = opened(make_folder({"train": 2, "car": 2, "train_station": 1}))
    assert source.class_names == ("car", "train", "train_station")
    assert source.notes[0].startswith("'train' is taken for a class, not for a split")


@pytest.mark.parametrize("texts", [("README.md",), ("LICENSE", "photos/readme.txt"), ("photos/labels.csv",)])
def test_texts_beside_the_one_folder_do_not_make_it_a_class(packed, texts):
    source = opened(packed({"photos/cat": 2, "photos/dog": 2}, texts))
    assert source.class_names == ("cat", "dog")
    assert source.quarantined == ()


def test_texts_and_empty_folders_beside_splits_are_passed_over(packed):
    path = packed({"train/a": 2, "train/b": 2, "test/a": 1}, ("papers/one.pdf", "README.dataset.txt"))
    source = opened(path)
    assert source.class_names == ("a", "b")
    assert source.notes == ("passed over, having no image: papers",)


@pytest.mark.parametrize("test", ["test", "test/test", "Test1", "test/images"])
def test_a_flat_test_is_what_to_predict(packed, test):
    path = packed({"train/cat": 20, "train/dog": 20, test: 12})
    source = opened(path)
    assert splits_of(source) == {("train", "cat"): 20, ("train", "dog"): 20}
    assert [entry.reason for entry in source.quarantined] == ["no label"] * 12
    assert "12 images have no label and are for predict: convscope predict RUN" in source.notes[-1]
    dataset = load_dataset(DataConfig(source=str(path)), size=(8, 8), channels=3, fit="squash", seed=0)
    assert [len(images) for images in dataset.splits.values()] == [28, 6, 6]


def test_archives_of_splits_may_hold_a_flat_test(make_folder, tmp_path):
    folder = make_folder({"train/cat": 3, "train/dog": 3, "test": 4})
    (tmp_path / "zips").mkdir()
    for split in ("train", "test"):
        with zipfile.ZipFile(tmp_path / "zips" / f"{split}.zip", "w") as archive:
            for path in sorted((folder / split).rglob("*.png")):
                archive.write(path, path.relative_to(folder).as_posix())
    source = opened(tmp_path / "zips")
    assert splits_of(source) == {("train", "cat"): 3, ("train", "dog"): 3}
    assert len(source.quarantined) == 4


def test_images_without_folders_say_what_is_there(make_folder):
    folder = make_folder({"train": 3, "test": 2})
    with pytest.raises(DataError, match=r"has no class folders, and 3 images in train, 2 images in test"):
        opened(folder)
    (folder / "train.csv").write_text("id,label\n000,cat\n")
    with pytest.raises(DataError, match=r"If a table beside them has the labels, give that: .*/train.csv"):
        opened(folder)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("inner", ["", "train/"])
def test_a_folder_that_a_table_describes_is_that_table(make_folder, name, inner):
    folder = make_folder({f"{inner}": 4})
    rows = [("000.png", "cat"), ("001.png", "dog"), ("002.png", "cat"), ("003.png", "dog")]
    lines = [json.dumps({"file_name": path, "label": label}) for path, label in rows]
    if name.endswith("csv"):
        lines = ["file_name,label", *(",".join(row) for row in rows)]
    (folder / inner / name).write_text("\n".join(lines))
    source = opened(folder)
    assert [(item.id, item.label) for item in source.items] == rows
    assert source.items[0].read()[:4] == b"\x89PNG"


def test_each_split_may_have_its_own_table(make_folder):
    folder = make_folder({"train": 4, "test": 2})
    for split, count in (("train", 4), ("test", 2)):
        lines = [f"{index:03d}.png,{'ab'[index % 2]}" for index in range(count)]
        (folder / split / "metadata.csv").write_text("\n".join(["file_name,label", *lines]))
    source = opened(folder)
    assert splits_of(source) == {("train", "a"): 2, ("train", "b"): 2, ("test", "a"): 1, ("test", "b"): 1}
    assert len({item.id for item in source.items}) == 6


@pytest.fixture
def own_run():
    """What a run leaves behind."""

    def make(path):
        (path / "checkpoints" / "step-1").mkdir(parents=True)
        (path / "config.json").write_text(
            json.dumps({"seed": 0, "network": {}, "preprocessing": {}, "data": {}})
        )
        (path / "picture.png").write_bytes(b"x")
        (path / "checkpoints" / "step-1" / "state.json").write_text("{}")

    return make


@pytest.mark.parametrize("around", ["", "photos/"])
def test_what_convscope_wrote_among_the_images_is_passed_over(make_folder, own_run, around):
    folder = make_folder({f"{around}cat": 2, f"{around}dog": 2})
    before = opened(folder)
    own_run(folder / "runs" / "photos-two-conv-1")
    own_run(folder / "runs" / "photos-two-conv-2")
    own_run(folder / "saved")
    for name in ("photos-samples.png", "photos-augmentation.png", "photos-learning-rate.svg", "report.html"):
        (folder / name).write_bytes(b"x")
    source = opened(folder)
    assert [item.id for item in source.items] == [item.id for item in before.items]
    assert (source.class_names, source.quarantined) == (before.class_names, ())
    (note,) = source.notes
    assert note == "passed over, being convscope's own: runs/, saved/, photos-augmentation.png and 3 more"


def test_a_class_may_be_called_runs(make_folder):
    folder = make_folder({"runs": 2, "walks": 2})
    (folder / "runs" / "config.json").write_text('{"network": "of somebody else"}')
    assert opened(folder).class_names == ("runs", "walks")


def test_a_class_named_in_two_ways_is_said(make_folder):
    (note,) = opened(make_folder({"golden retriever": 1, "Golden_Retriever": 1, "dog": 1})).notes
    assert note.startswith("'golden retriever' and 'Golden_Retriever' are classes of their own here")


@pytest.mark.parametrize(
    "counts",
    [{"images": 4, "masks": 4}, {"images/train": 3, "images/val": 2, "labels/train": 1, "labels/val": 1}],
)
def test_images_and_masks_side_by_side_are_no_classes(packed, counts):
    with pytest.raises(DataError, match="images and what they were marked with, not classes"):
        opened(packed(counts))


def test_a_folder_of_texts_beside_the_one_folder_is_passed_over(packed):
    source = opened(
        packed({"data/Training/a": 2, "data/Training/b": 2, "data/Test/a": 1}, ("papers/one.pdf",))
    )
    assert source.class_names == ("a", "b")
    assert source.notes == ("passed over, having no image: papers",)


def test_one_folder_of_images_beside_a_table_asks_for_the_table(packed):
    with pytest.raises(
        DataError, match=r"4 images in images\. If a table beside them has the labels, give that"
    ):
        opened(packed({"images": 4}, ("labels.csv",)))
