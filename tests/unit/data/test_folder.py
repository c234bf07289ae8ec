import pytest

from convscope.config.asked import DataConfig
from convscope.data.sources import open_source
from convscope.errors import DataError, UsageError


def opened(path, **options):
    return open_source(DataConfig(source=str(path), **options))


def test_classes_are_folders_in_natural_order(make_folder):
    source = opened(make_folder({"img10": 1, "img2": 2, "Ant": 1}))
    assert source.class_names == ("Ant", "img2", "img10")
    assert [(item.id, item.label, item.split) for item in source.items] == [
        ("Ant/000.png", "Ant", None),
        ("img2/000.png", "img2", None),
        ("img2/001.png", "img2", None),
        ("img10/000.png", "img10", None),
    ]


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Validation"])
def test_split_folders_under_all_their_names(make_folder, name):
    source = opened(make_folder({"train/a": 2, f"{name}/a": 1, "test/b": 1}))
    assert [item.split for item in source.items].count("validation") == 1
    assert source.class_names == ("a", "b")


def test_folders_inside_a_class_keep_its_files(make_folder):
    source = opened(make_folder({"cat/holiday/2020": 2, "cat": 1, "dog": 1}))
    assert [item.label for item in source.items] == ["cat", "cat", "cat", "dog"]


def test_a_folder_around_all_is_passed_over(make_folder):
    assert opened(make_folder({"download/cat": 1, "download/dog": 1})).class_names == ("cat", "dog")


def test_a_class_may_be_called_test(make_folder):
    source = opened(make_folder({"test": 2, "control": 2}))
    assert source.class_names == ("control", "test")
    assert {item.split for item in source.items} == {None}


def test_splits_beside_other_folders_are_refused(make_folder):
    with pytest.raises(DataError, match=r"split folders \(test, train\) and others beside them: unsorted"):
        opened(make_folder({"train/a": 1, "test/a": 1, "unsorted": 1}))


def test_what_systems_leave_behind_is_ignored(make_folder):
    folder = make_folder({"cat": 1, "dog": 1, ".git/objects": 1, "__MACOSX/cat": 1})
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    source = opened(folder)
    assert source.class_names == ("cat", "dog")
    assert len(source.items) == 2
    assert source.quarantined == ()


def test_linked_class_folder_is_followed_and_a_loop_is_not(make_folder, tmp_path):
    elsewhere = make_folder({"x": 3}, name="elsewhere", first=50)
    folder = make_folder({"cat": 1})
    (folder / "dog").symlink_to(elsewhere / "x")
    (folder / "cat" / "again").symlink_to(folder)
    source = opened(folder)
    assert [item.label for item in source.items] == ["cat", "dog", "dog", "dog"]
    assert source.quarantined[0].reason == "a link that leads back to itself"


def test_folder_without_class_folders_says_what_is_wanted(tmp_path, picture):
    picture(1).save(tmp_path / "1.png")
    with pytest.raises(DataError, match="has no class folders"):
        opened(tmp_path)


def test_groups_come_from_the_path(make_folder):
    folder = make_folder({"cat/scene1": 2, "cat/scene2": 1, "dog": 1})
    assert [item.group for item in opened(folder, group_by=r"scene(\d)").items] == ["1", "1", "2", None]
    with pytest.raises(UsageError, match="no regular expression"):
        opened(folder, group_by="(")


def test_wrong_name_names_the_nearest(make_folder, monkeypatch):
    with pytest.raises(DataError, match="did you mean digits"):
        opened("digit")
    folder = make_folder({"a": 1}, name="photos")
    with pytest.raises(DataError, match=r"did you mean .*photos"):
        opened(folder.parent / "fotos")


def test_name_that_is_not_unicode_can_be_written_down(make_folder):
    import os

    folder = make_folder({"cat": 1, "dog": 1})
    (folder / "cat" / "000.png").rename(os.fsdecode(os.fsencode(folder / "cat") + b"/\xe4.png"))
    assert opened(folder).items[0].id.encode("utf-8") == b"cat/\\xe4.png"


def test_what_is_not_there_is_named_safely(tmp_path):
    with pytest.raises(DataError) as error:
        opened(tmp_path / "no\x1b[31m\udce9pe")
    assert "no\\x1b[31m\\xe9pe is no folder" in str(error.value)


def test_a_run_on_a_folder_whose_name_is_no_text_writes_valid_json(tmp_path):
    from convscope.runs.folder import Run

    run = Run(tmp_path)
    run.write("dataset.json", {"source": "caf\udce9"})
    assert (tmp_path / "dataset.json").read_text("utf-8").count("caf\\udce9") == 1
    assert run.read("dataset.json") == {"source": "caf\udce9"}
