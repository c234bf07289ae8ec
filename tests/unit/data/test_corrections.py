"""Corrections of labels: what a table may say, what is refused in words, and what becomes of the data."""

import shutil
import unicodedata
from pathlib import Path

import pytest

from convscope.config.asked import DataConfig
from convscope.data.corrections import Correction, followed_by, read_corrections, write_corrections
from convscope.data.loading import load_dataset
from convscope.errors import DataError


def load(source, corrections=None, **options):
    if isinstance(corrections, str):
        path = Path(source).parent / "corrections.csv"
        path.write_text(corrections, encoding="utf-8")
        corrections = path
    config = DataConfig(
        source=str(source), corrections=None if corrections is None else str(corrections), **options
    )
    return load_dataset(config, size=(16, 16), channels=3, fit="squash", seed=0)


def labels_of(dataset):
    return {
        name: (split, dataset.class_names[label])
        for split, images in dataset.splits.items()
        for name, label in zip(images.ids, images.labels.tolist(), strict=True)
    }


@pytest.fixture
def folder(make_folder):
    return make_folder({"ant": 20, "bee": 20})


def test_labels_change_and_images_leave_and_the_others_stay_where_they_are(folder):
    plain = labels_of(load(folder))
    dataset = load(folder, f"path,old,new\nant/003.png,ant,bee\n{folder}/bee/004.png,bee,remove\n")
    wanted = plain | {"ant/003.png": (plain["ant/003.png"][0], "bee")}
    del wanted["bee/004.png"]
    assert labels_of(dataset) == wanted
    assert [(each.id, each.old, each.new) for each in dataset.corrected] == [
        ("ant/003.png", "ant", "bee"),
        ("bee/004.png", "bee", None),
    ]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_with_accents_are_found_in_either_spelling(make_folder, form):
    name = unicodedata.normalize("NFD", "café/être.png")  # as on a Mac
    folder = make_folder(
        {"ant": 20, unicodedata.normalize("NFD", "café"): 20}, unicodedata.normalize("NFD", "été")
    )
    (folder / name).parent.joinpath("003.png").rename(folder / name)
    (folder / name).with_name(unicodedata.normalize("NFD", "né.png")).write_bytes(b"")
    for path in (name, f"{folder}/{name}"):
        dataset = load(
            folder, f"path,old,new\n{unicodedata.normalize(form, path)},café,ant\n", allow_broken=True
        )
        assert [(each.id, each.new) for each in dataset.corrected] == [(name, "ant")]
    with pytest.raises(DataError, match="it stays out anyway: empty"):
        load(folder, unicodedata.normalize(form, "path,old,new\ncafé/né.png,café,ant\n"), allow_broken=True)


def test_of_two_images_that_differ_in_spelling_the_one_as_written_is_corrected(folder):
    names = [unicodedata.normalize(form, "ant/é.png") for form in ("NFC", "NFD")]
    for number, name in enumerate(names):
        (folder / f"ant/00{number}.png").rename(folder / name)
    dataset = load(folder, f"path,old,new\n{names[0]},ant,bee\n")
    assert [each.id for each in dataset.corrected] == [names[0]]


def test_the_fingerprint_knows_them(folder):
    changed = load(folder, "path,old,new\nant/003.png,ant,bee\n").fingerprint
    removed = load(folder, "path,old,new\nant/003.png,ant,remove\n").fingerprint
    assert len({load(folder).fingerprint, changed, removed}) == 3


def test_content_names_an_image_wherever_it_lies(folder, tmp_path):
    content = load(folder).train.hashes[0]
    name = load(folder).train.ids[0]
    old, new = ("ant", "bee") if name.startswith("ant") else ("bee", "ant")
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    (moved / name).rename(moved / Path(name).parent / "elsewhere.png")
    table = f"path,content,old,new\n{name},{content},{old},{new}\n"
    (log,) = load(moved, table).corrected
    assert (log.id, log.content, log.new) == (f"{old}/elsewhere.png", content, new)


def test_all_copies_with_the_old_label_are_corrected(folder):
    shutil.copy(folder / "ant/001.png", folder / "ant/copy.png")
    dataset = load(folder, "path,old,new\nant/copy.png,ant,bee\n")
    assert {each.id for each in dataset.corrected} == {"ant/001.png", "ant/copy.png"}


@pytest.mark.parametrize("source", ["digits", "photos.zip"])
def test_archives_and_built_in_sets_are_corrected_alike(folder, source, tmp_path):
    if source == "photos.zip":
        source = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", folder))
    plain = load(source)
    content, old = plain.test.hashes[0], plain.class_names[int(plain.test.labels[0])]
    new = next(name for name in plain.class_names if name != old)
    table = tmp_path / "table.csv"
    table.write_text(f"content,old,new\n{content},{old},{new}\n", encoding="utf-8")
    corrected = load(source, table)
    row = corrected.test.hashes.index(content)
    assert corrected.class_names[int(corrected.test.labels[row])] == new
    assert [each.split for each in corrected.corrected] == ["test"]


def test_what_leaves_the_test_is_kept_apart_with_its_old_label(folder):
    plain = load(folder)
    name, label = plain.test.ids[0], int(plain.test.labels[0])
    table = f"path,old,new\n{name},{plain.class_names[label]},remove\n"
    removed = load(folder, table).removed
    assert removed is not None
    assert (removed.ids, removed.labels.tolist()) == ((name,), [label])
    train = plain.train.ids[0]
    assert len(load(folder, f"path,old,new\n{train},{train[:3]},remove\n").removed) == 0
    assert load(folder, f"path,old,new\n{train},{train[:3]},remove\n", folds=3).removed.ids == (train,)


def test_numbers_are_corrected_too(folder, tmp_path):
    lines = [f"{path.parent.name}/{path.name},{int(path.stem)}.5" for path in sorted(folder.rglob("*.png"))]
    (folder / "table.csv").write_text("path,count\n".replace("count", "label") + "\n".join(lines) + "\n")
    dataset = load(folder / "table.csv", "path,old,new\nant/003.png,3.5,40\n", task="regression")
    assert [(each.old, each.new) for each in dataset.corrected] == [("3.5", "40.0")]
    with pytest.raises(DataError, match="'many' is no number"):
        load(folder / "table.csv", "path,old,new\nant/003.png,3.5,many\n", task="regression")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["ant/099.png,ant,bee"], "line 2: ant/099.png: .* has no such image; did you mean ant/0"),
        (["ant/003.png,ant,wasp"], "'wasp' is not a class of these images; known: ant, bee"),
        (["ant/003.png,ant,beee"], "did you mean bee?"),
        (["ant/003.png,bee,ant"], "its label is 'ant' now, as it should be: take the line out"),
        (["ant/003.png,ant,bee", "ant/003.png,ant,remove"], "line 3: .*left out, and by .*line 2 'bee'"),
        (["ant/003.png,ant,ant"], "line 2 changes nothing: old and new label are both 'ant'"),
        (["ant/003.png,ant,"], "line 2 has no new label. To leave an image out"),
        ([",ant,bee"], "line 2 names no image"),
        ([], "holds no correction"),
        (["broken.png,ant,bee"], "it stays out anyway: "),
        ([f"ant/{number:03d}.png,ant,remove" for number in range(20)], "no training image of class 'ant'"),
        ([f"ant/{number:03d}.png,bee,ant" for number in range(5)], "and 2 more lines like that"),
    ],
)
def test_what_cannot_be_is_refused_in_words(folder, lines, said):
    (folder / "ant" / "broken.png").write_bytes(b"no image")
    text = "\n".join(["path,old,new", *lines, ""]).replace("broken.png", "ant/broken.png")
    with pytest.raises(DataError, match=said):
        load(folder, text, allow_broken=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,new\na,b\n", "lacks the column old; it has: path, new"),
        ("old,new\na,b\n", r"lacks the column path \(or content\)"),
        ("path,old,new,new\na,b,c,d\n", "has two columns new"),
        ("", "it has: none"),
        ('path,old,new\n"a,b,c\n', "A quote"),
    ],
)
def test_a_table_that_is_none_says_what_it_lacks(tmp_path, text, said):
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_corrections(tmp_path / "table.csv")
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_corrections(tmp_path / "absent.csv")


def test_another_image_at_a_path_is_not_corrected_by_mistake(folder):
    table = f"path,content,old,new\nant/003.png,{'0' * 32},ant,bee\n"
    with pytest.raises(DataError, match="another image lies there now"):
        load(folder, table)


def test_a_class_named_remove_is_not_mistaken_for_the_word(make_folder):
    folder = make_folder({"keep": 10, "remove": 10}, name="cups")
    with pytest.raises(DataError, match="'remove' is a class of these images too"):
        load(folder, "path,old,new\nkeep/003.png,keep,remove\n")


def test_a_table_reads_back_as_it_was_written(tmp_path):
    written = (
        Correction(path="a, b/1.png", content="1f", old='the "old"', new="new"),
        Correction(path="", content="2f", old="蚂蚁", new=None),
    )
    (tmp_path / "table.csv").write_bytes(write_corrections(written))
    assert read_corrections(tmp_path / "table.csv") == written


def test_corrections_of_corrections_are_one_table():
    def mark(content, old, new):
        return Correction(content=content, old=old, new=new)

    first = [mark("1", "a", "b"), mark("2", "a", "b"), mark("3", "a", "b")]
    then = [mark("1", "b", "c"), mark("2", "b", "a"), mark("4", "c", None)]
    assert followed_by(first, then) == (mark("3", "a", "b"), mark("1", "a", "c"), mark("4", "c", None))
