import json

import pytest
import torch

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.sources import open_source
from convscope.data.sources.table import guess_task
from convscope.errors import DataError

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pyarrow = pytest.importorskip("pyarrow")


def opened(path, **options):
    return open_source(DataConfig(source=str(path), **options))


@pytest.fixture
def table(tmp_path, picture):
    """Write a CSV with these lines beside ten pictures."""
    (tmp_path / "images").mkdir()
    for index in range(10):
        picture(index).save(tmp_path / "images" / f"{index}.png")

    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_paths_labels_splits_and_groups(table):
    path = table(
        "path,label,split,group\nimages/0.png,cat,train,p1\nimages/1.png,dog,val,\nimages/2.png,cat,,p1\n"
    )
    source = opened(path)
    assert [(i.id, i.label, i.split, i.group) for i in source.items] == [
        ("images/0.png", "cat", "train", "p1"),
        ("images/1.png", "dog", "validation", None),
        ("images/2.png", "cat", None, "p1"),
    ]
    assert source.class_names == ("cat", "dog")
    assert source.items[0].read().startswith(b"\x89PNG")


@pytest.mark.parametrize(("separator", "name"), [(";", "t.csv"), ("\t", "t.tsv"), (",", "t.csv")])
def test_other_separators_and_a_byte_order_mark(table, separator, name):
    path = table("\ufeffpath,label\nimages/0.png,cat\n".replace(",", separator), name)
    assert opened(path).items[0].label == "cat"


def test_numbers_become_a_regression(table):
    lines = "\n".join(f"images/{index}.png,{index / 4}" for index in range(10))
    config = DataConfig(source=str(table("path,label\n" + lines)))
    dataset = load_dataset(config, size=(8, 8), channels=3, fit="squash", seed=0)
    assert dataset.class_names == ()
    assert dataset.train.labels.dtype == torch.float32
    of_name = {f"images/{index}.png": index / 4 for index in range(10)}
    assert dataset.train.labels.tolist() == [of_name[name] for name in dataset.train.ids]


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["1", "2", "1"], "classification"),
        (["1.5", "2", "1"], "regression"),
        ([str(n) for n in range(21)], "regression"),
        ([str(n) for n in range(20)], "classification"),
        (["1.5", "cat"], "classification"),
        (["nan", "1.5"], "classification"),
    ],
)
def test_task_is_guessed_from_the_labels(labels, task):
    assert guess_task(labels) == task


def test_task_that_is_given_decides(table):
    path = table("path,label\nimages/0.png,1\nimages/1.png,2\n")
    assert opened(path, task="regression").items[1].label == 2.0
    assert opened(path).class_names == ("1", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na,b\n", "lacks the column path; it has: file, label"),
        ("path,label\n", "no lines"),
        ("path,label,split\na.png,x,dev\n", "line 2: split 'dev' is not known"),
    ],
)
def test_table_that_is_wrong_says_where(table, text, message):
    with pytest.raises(DataError, match=message):
        opened(table(text))


def test_number_that_is_none_is_named(table):
    with pytest.raises(DataError, match="line 3: label 'many' is no number"):
        opened(table("path,label\na.png,1\nb.png,many\n"), task="regression")


def test_column_of_groups_is_chosen_by_name(table):
    path = table("path,label,patient\nimages/0.png,a,7\nimages/1.png,b,8\n")
    assert [item.group for item in opened(path, group_by="patient").items] == ["7", "8"]
    assert [item.group for item in opened(path, group_by=r"/(\d)").items] == ["0", "1"]


def test_missing_file_is_quarantined(table):
    lines = "".join(f"images/{i}.png,{'ab'[i % 2]}\n" for i in range(10))
    config = DataConfig(source=str(table(f"path,label\n{lines}images/x.png,a\n")), allow_broken=True)
    dataset = load_dataset(config, size=(8, 8), channels=3, fit="squash", seed=0)
    assert [(entry.path, entry.reason) for entry in dataset.quarantined] == [("images/x.png", "not there")]


@pytest.fixture
def hugging_face(tmp_path, picture, encoded):
    """Images inside a Parquet file of several row groups, labels as numbers with names."""
    contents = [encoded(picture(index)) for index in range(30)]
    cells = [{"bytes": content, "path": f"{index}.png"} for index, content in enumerate(contents)]
    features = {"label": {"_type": "ClassLabel", "names": ["dog", "cat"]}, "image": {"_type": "Image"}}
    table = pyarrow.table({"image": cells, "label": [index % 2 for index in range(30)]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, tmp_path / "train.parquet", row_group_size=4)
    return tmp_path / "train.parquet", contents


def test_parquet_holds_the_images_themselves(hugging_face):
    path, contents = hugging_face
    source = opened(path)
    assert source.class_names == ("cat", "dog")
    assert [item.label for item in source.items[:3]] == ["dog", "cat", "dog"]
    assert source.items[5].id == "000005/5.png"
    assert [item.read() for item in reversed(source.items)] == contents[::-1]
    dataset = load_dataset(DataConfig(source=str(path)), size=(8, 8), channels=3, fit="squash", seed=0)
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 30


def test_parquet_with_paths(tmp_path, picture):
    picture(1).save(tmp_path / "1.png")
    table = pyarrow.table({"path": ["1.png"], "label": ["cat"], "split": ["test"]})
    parquet.write_table(table, tmp_path / "table.parquet")
    (item,) = opened(tmp_path / "table.parquet").items
    assert (item.label, item.split) == ("cat", "test")
    assert item.read() == (tmp_path / "1.png").read_bytes()


def test_file_that_is_no_parquet(tmp_path):
    (tmp_path / "table.parquet").write_text("no")
    with pytest.raises(DataError, match="no Parquet file"):
        opened(tmp_path / "table.parquet")
