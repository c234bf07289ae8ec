import json

import pytest
import torch

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.sources import open_source
from convscope.data.sources.table import guess_task
from convscope.errors import DataError

parquet = pytest.importorskip("pyarrow.parquet", reason="needs Parquet: pip install pyarrow")
pyarrow = pytest.importorskip("pyarrow", reason="needs Parquet: pip install pyarrow")


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
        (["nan", "1.5"], "regression"),
        (["n/a", "", None, float("nan")], "classification"),
        (["1_2", "1_3"], "classification"),
        ([True, False], "classification"),
        (["007", "8"], "classification"),
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
        ("thing,label\na,b\n", "lacks the column path; it has: thing, label"),
        ("path,label\n", "no lines"),
        ("", "is empty"),
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


@pytest.mark.parametrize(
    "head",
    [
        "Path,Label",
        " PATH , LABEL ",
        "file_name,class",
        "File Name,Target",
        "filename,category",
        "Image,CLASS",
        "file,target",
        "Files,Classes",
    ],
)
def test_columns_are_found_under_their_usual_names(table, head):
    (item,) = opened(table(f"{head}\nimages/0.png,cat\n")).items
    assert (item.id, item.label) == ("images/0.png", "cat")


@pytest.mark.parametrize("null", ["nan", "NaN", "NULL", "<NA>", "#N/A", ""])
def test_images_of_an_unknown_group_are_not_one_group(table, null):
    path = table(f"path,label,patient\nimages/0.png,a,{null}\nimages/1.png,b,{null}\nimages/2.png,b,0\n")
    source = opened(path, group_by="patient")
    assert [item.group for item in source.items] == [None, None, "0"]
    assert any("2 images are in none" in note for note in source.notes)


def test_exact_names_of_columns_come_first(table):
    text = "image,path,class,label\nx,images/0.png,wrong,cat\n"
    assert [(item.id, item.label) for item in opened(table(text)).items] == [("images/0.png", "cat")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label,label\na.png,1,2\n", "has 2 columns named label"),
        ("images/0.png,cat\nimages/1.png,dog\n", "first line looks like an image"),
        ("path,lable\na.png,x\n", r"lacks the column label.*\n.*'lable' label"),
        ('path,label\n"images/0.png,cat"\n', "line 2 is a single cell: take the quotes"),
        ("path,label\nimages/0.png,cat,dog\n", "line 2 has 3 cells, and the header 2"),
        ('path,label\nimages/0.png,cat\n"images/1.png,dog\nimages/2.png,cat\n', "line 3: "),
        ('path,label\n"images/0.png,cat\nimages/1.png,dog\n"images/2.png,cat\n', "line 2: .*swallows"),
        ('path,label\nimages/0.png,"cat\nimages/1.png,dog"\n', "line 2: .*swallows"),
        ('path,label,said\nimages/0.png,cat,"a\nimages/1.png,dog,b"\n', "line 2: .*swallows"),
    ],
)
def test_damaged_lines_are_refused_by_number(table, text, message):
    with pytest.raises(DataError, match=message):
        opened(table(text))


def test_a_description_may_have_several_lines(table):
    path = table('path,label,said\nimages/0.png,cat,"one\ntwo"\n\nimages/1.png,dog,x\n')
    assert [item.label for item in opened(path).items] == ["cat", "dog"]


@pytest.mark.parametrize("text", ["sep=;\npath;label\nimages/0.png;cat\n", "path|label\nimages/0.png|cat\n"])
def test_excel_may_say_its_separator(table, text):
    assert opened(table(text)).items[0].label == "cat"


def test_unicode_text_as_excel_saves_it(tmp_path, picture):
    picture(1).save(tmp_path / "é.png")
    (tmp_path / "t.csv").write_bytes("path\tlabel\r\né.png\tcat\r\n".encode("utf-16"))
    assert opened(tmp_path / "t.csv").items[0].read()[:4] == b"\x89PNG"


def test_json_lines_are_a_table(table):
    lines = [json.dumps({"file_name": f"images/{i}.png", "label": "ab"[i % 2]}) for i in range(10)]
    source = opened(table("\n".join(lines), "metadata.jsonl"))
    assert [item.label for item in source.items] == ["a", "b"] * 5
    with pytest.raises(DataError, match="line 2 is no JSON object"):
        opened(table(lines[0] + "\n{broken\n", "metadata.jsonl"))


@pytest.mark.parametrize("bad", ["nan", "n/a", "N/A", "", "NULL", "-", "?"])
def test_a_cell_without_a_number_leaves_a_regression_one(table, bad):
    """One such cell among 300 made 300 classes of one image each."""
    lines = [f"images/{i % 10}.png,{i / 4}" for i in range(300)]
    lines[57] = f"images/7.png,{bad}"
    source = opened(table("\n".join(["path,label", *lines])))
    assert (source.task_hint, source.class_names, len(source.items)) == ("regression", (), 299)
    assert [(entry.path, entry.reason) for entry in source.quarantined] == [("images/7.png", "no label")]


@pytest.mark.parametrize("bad", ["many", "inf", "1.5 kg", "2O"])
def test_a_word_among_numbers_is_refused_with_its_line(table, bad):
    lines = [f"images/{i % 10}.png,{i / 4}" for i in range(300)]
    lines[57] = f"images/7.png,{bad}"
    path = table("\n".join(["path,label", *lines]))
    with pytest.raises(DataError, match=rf"1 label is no number, beside 299 that are: line 59 '{bad}'"):
        opened(path)
    assert len(opened(path, task="classification").class_names) == 300


def test_a_class_for_nearly_each_image_is_asked_about(table):
    lines = [f"images/{i % 10}.png,photo {i}" for i in range(40)]
    path = table("\n".join(["path,label", *lines]))
    with pytest.raises(DataError, match="40 images have 40 different labels"):
        opened(path)
    assert len(opened(path, task="classification").class_names) == 40


def test_decimal_commas_are_numbers(table):
    lines = "\n".join(f"images/{i};{i / 8:.3f}".replace(".", ",").replace(";", ".png;") for i in range(10))
    source = opened(table("path;label\n" + lines))
    assert [item.label for item in source.items] == [i / 8 for i in range(10)]
    assert source.notes == ("'0,000' is read as 0.000",)


def test_zero_padded_numbers_are_names(table):
    lines = "\n".join(f"images/{i % 10}.png,{i % 25:03d}" for i in range(75))
    source = opened(table("path,label\n" + lines))
    assert source.class_names[:3] == ("000", "001", "002")
    assert source.notes[0] == (
        "labels such as '000' are names, for the zero before. If they are amounts: --task regression"
    )


@pytest.mark.parametrize(
    ("kinds", "task", "said"),
    [
        (
            3,
            "classification",
            "labels are 3 different whole numbers (0 to 2): so few are taken for names. "
            "If they are amounts: --task regression",
        ),
        (
            25,
            "regression",
            "labels are 25 different whole numbers (0 to 24): so many are taken for amounts. "
            "If they are names: --task classification",
        ),
    ],
)
def test_whole_numbers_say_what_they_were_taken_for(table, kinds, task, said):
    lines = "\n".join(f"images/{i % 10}.png,{i % kinds}" for i in range(75))
    path = table("path,label\n" + lines)
    assert (opened(path).task_hint, opened(path).notes[0]) == (task, said)
    assert said not in opened(path, task="classification").notes


def test_lines_without_a_label_are_listed_and_are_not_broken(table):
    lines = "".join(f"images/{i}.png,{'a' if i % 2 else '  '}\n" for i in range(10))
    path = table(f"path,label\n{lines}images/0.png,b\nimages/2.png,b\n")
    source = opened(path)
    assert source.class_names == ("a", "b")
    assert [entry.path for entry in source.quarantined] == [f"images/{i}.png" for i in range(0, 10, 2)]
    dataset = load_dataset(DataConfig(source=str(path)), size=(8, 8), channels=3, fit="squash", seed=0)
    assert {entry.reason for entry in dataset.quarantined} == {"no label"}


def test_classes_that_differ_in_capitals_or_spaces_are_said(table):
    path = table("path,label\nimages/0.png,Cat\nimages/1.png,cat\nimages/2.png,dog\n")
    assert opened(path).notes == (
        "'Cat' and 'cat' are classes of their own here; give them one name if they are one",
    )


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("images\\{}.png", "images/0.png is: write / for \\"),
        ("images/{}", "images/0.png is: add the ending .png"),
        ("{}.png", "images/0.png is: put images/ before it"),
        ("{}", "images/0.png is: add the ending .png, put images/ before it"),
        ("photos/images/{}.png", "images/0.png is: leave photos/ out"),
        ("C:\\me\\images\\{}.png", "images/0.png is: write / for \\, leave C:/me/ out"),
        ("Images/{}.PNG", "images/0.png is: capital letters count"),
        ("https://example.org/{}.png", "it is an address"),
    ],
)
def test_paths_that_lead_nowhere_say_what_would_work(table, tmp_path, written, advice):
    lines = "".join(f"{written.format(i)},{'ab'[i % 2]}\n" for i in range(10))
    with pytest.raises(DataError, match="10 of 10 files are not there") as error:
        opened(table(f"path,label\n{lines}"))
    assert str(tmp_path) in str(error.value)
    assert f"not there, but {advice}" in str(error.value)


def test_the_folder_that_most_paths_lead_into_is_named(table, tmp_path, picture):
    for folder, count in (("a_test", 3), ("b_train", 10)):
        (tmp_path / folder).mkdir()
        for index in range(count):
            picture(index).save(tmp_path / folder / f"x{index}.png")
    lines = "".join(f"x{i},{'ab'[i % 2]}\n" for i in range(10))
    with pytest.raises(DataError, match=r"b_train/x0.png is: add the ending .png, put b_train/ before it"):
        opened(table(f"id,label\n{lines}"))


def test_a_folder_beside_the_table_comes_before_one_elsewhere(table, tmp_path, picture):
    """Names such as 0.png are everywhere."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "images").mkdir()
    for index in range(5):
        picture(index).save(tmp_path / "inner" / "images" / f"{index}.png")
    lines = "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(5))
    (tmp_path / "inner" / "table.csv").write_text(f"path,label\n{lines}")
    with pytest.raises(DataError, match=r"but images/0.png is: put images/ before it"):
        opened(tmp_path / "inner" / "table.csv")


@pytest.mark.parametrize(
    ("column", "values", "splits", "note"),
    [
        ("SPLIT", ("train", "Val"), {"train", "validation"}, None),
        ("subset", ("training", "test set"), {"train", "test"}, "the splits are those of the column subset"),
        ("Usage", ("Training", "PublicTest"), {None}, "column Usage looks like splits and is not used"),
        ("set", ("red", "blue"), {None}, None),
    ],
)
def test_a_column_of_splits_is_used_or_said_not_to_be(table, column, values, splits, note):
    lines = "".join(f"images/{i}.png,{'ab'[i % 2]},{values[i % 3 == 0]}\n" for i in range(10))
    source = opened(table(f"path,label,{column}\n{lines}"))
    assert {item.split for item in source.items} == splits
    assert [found for found in source.notes if note is None or not found.startswith(note)] == []


def test_one_path_that_leads_nowhere_says_what_would_work(table):
    lines = "".join(f"images/{i}.png,{'ab'[i % 2]}\n" for i in range(10))
    config = DataConfig(source=str(table(f"path,label\n{lines}images\\1.png,a\n")), allow_broken=True)
    dataset = load_dataset(config, size=(8, 8), channels=3, fit="squash", seed=0)
    assert [entry.reason for entry in dataset.quarantined] == [
        "not there, but images/1.png is: write / for \\"
    ]


def test_targets_that_32_bits_cannot_tell_apart_are_refused(table):
    lines = "".join(f"images/{i}.png,{1_700_000_000 + i / 2}\n" for i in range(10))
    with pytest.raises(DataError, match="too close together"):
        opened(table(f"path,label\n{lines}"))


def test_column_like_groups_is_pointed_at(table):
    lines = "".join(f"images/{i}.png,{'ab'[i % 2]},{i // 3}\n" for i in range(10))
    source = opened(table(f"path,label,patient_id\n{lines}"))
    assert "keep them together: --group-by patient_id" in source.notes[0]
    assert {item.group for item in source.items} == {None}


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


@pytest.mark.parametrize("threads", [1, 2, 8, 16, 64])
@pytest.mark.parametrize("rows_in_a_group", [7, 100, 1000])
def test_parquet_is_read_once_however_many_threads_read_in_order(
    tmp_path, monkeypatch, threads, rows_in_a_group
):
    count = 2048
    table = pyarrow.table({"image": [b"%d" % n for n in range(count)], "label": list("ab") * (count // 2)})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=rows_in_a_group)
    items = opened(tmp_path / "t.parquet").items
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    read, group_of = [], parquet.ParquetFile.read_row_group

    def reading(self, group, *arguments, **options):
        read.append(group)
        return group_of(self, group, *arguments, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", reading)
    at_once = min(16, threads)
    for begin in range(0, count, 32 * at_once):  # each thread is at as many images of its own as the others
        for step in range(32):
            for thread in range(at_once):
                item = begin + 32 * thread + step
                assert items[item].read() == b"%d" % item
    assert sorted(read) == list(range(-(-count // rows_in_a_group)))


def test_parquet_that_is_through_takes_no_memory(tmp_path, monkeypatch):
    for number in range(12):
        cells = [bytes([number, row]) * 5_000 for row in range(50)]
        table = pyarrow.table({"image": cells, "label": list("ab") * 25})
        parquet.write_table(table, tmp_path / f"train-{number}.parquet", use_dictionary=False)
    items = opened(tmp_path).items
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    before = pyarrow.total_allocated_bytes()
    assert len({item.read() for item in items}) == 600
    assert pyarrow.total_allocated_bytes() - before < 2_000_000  # of 6 million


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


@pytest.mark.parametrize("kind", ["binary", "large_binary", "string", "struct"])
def test_parquet_column_image_holds_bytes_or_paths(tmp_path, picture, encoded, kind):
    contents = [encoded(picture(index)) for index in range(4)]
    for index, content in enumerate(contents):
        (tmp_path / f"{index}.png").write_bytes(content)
    paths = [f"{index}.png" for index in range(4)]
    cells = {
        "binary": pyarrow.array(contents, pyarrow.binary()),
        "large_binary": pyarrow.array(contents, pyarrow.large_binary()),
        "string": pyarrow.array(paths),
        "struct": pyarrow.array([{"bytes": None, "path": path} for path in paths]),
    }[kind]
    if kind == "struct":
        cells = pyarrow.array(
            [{"bytes": None, "path": path} for path in paths],
            pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())]),
        )
    parquet.write_table(pyarrow.table({"image": cells, "label": list("abab")}), tmp_path / "t.parquet")
    source = opened(tmp_path / "t.parquet")
    assert [item.read() for item in source.items] == contents
    assert [item.label for item in source.items] == list("abab")


def test_parquet_column_of_something_else_is_named(tmp_path):
    parquet.write_table(pyarrow.table({"image": [[1, 2]], "label": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="column image holds list"):
        opened(tmp_path / "t.parquet")


def test_typed_labels_with_gaps(tmp_path, picture, encoded):
    contents = [encoded(picture(index)) for index in range(4)]
    columns = {"image": contents, "label": pyarrow.array([1.0, float("nan"), 2.0, None])}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    source = opened(tmp_path / "t.parquet")
    assert source.class_names == ("1", "2")
    assert len(source.quarantined) == 2


def test_parts_of_a_table_are_one_and_tell_the_split(tmp_path, picture, encoded):
    for name, start in (("train-00000-of-00002", 0), ("train-00001-of-00002", 4), ("test-00000-of-00001", 8)):
        contents = [encoded(picture(index)) for index in range(start, start + 4)]
        columns = {"img": contents, "label": ["a", "b", "a", "b"]}
        parquet.write_table(pyarrow.table(columns), tmp_path / f"{name}.parquet")
    source = opened(tmp_path)
    assert [item.split for item in source.items] == ["test"] * 4 + ["train"] * 8
    assert len({item.id for item in source.items}) == 12


@pytest.mark.parametrize(
    "places", [("data/train-0.parquet", "data/test-0.parquet"), ("train/0.parquet", "test/0.parquet")]
)
def test_parts_of_a_table_may_lie_in_folders(tmp_path, picture, encoded, places):
    for number, place in enumerate(places):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        contents = [encoded(picture(4 * number + index)) for index in range(4)]
        parquet.write_table(pyarrow.table({"image": contents, "label": list("abab")}), tmp_path / place)
    (tmp_path / "README.md").write_text("words")
    source = opened(tmp_path)
    assert sorted(item.split for item in source.items) == ["test"] * 4 + ["train"] * 4


def test_tables_in_several_folders_are_asked_about(tmp_path, encoded, picture):
    for name in ("fine", "coarse"):
        (tmp_path / name).mkdir()
        table = pyarrow.table({"image": [encoded(picture(1))], "label": ["a"]})
        parquet.write_table(table, tmp_path / name / "train-0.parquet")
    with pytest.raises(DataError, match="holds Parquet in several folders: coarse, fine"):
        opened(tmp_path)


def test_parts_with_other_columns_are_refused(tmp_path, encoded, picture):
    for name, column in (("train", "label"), ("test", "target")):
        table = pyarrow.table({"image": [encoded(picture(1))], column: ["a"]})
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    with pytest.raises(DataError, match=r"train.parquet has other columns or classes than .*test.parquet"):
        opened(tmp_path)


@pytest.mark.parametrize("label", [["cat", "dog"], {"x": 1}, b"cat"])
def test_several_labels_of_one_image_are_refused(tmp_path, encoded, picture, label):
    table = pyarrow.table({"image": [encoded(picture(1))], "label": [label]})
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"line 1: the label is .*one name or number for each image"):
        opened(tmp_path / "t.parquet")
