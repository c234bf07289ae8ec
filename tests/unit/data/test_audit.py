import json
import shutil

import pytest
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.auditing.audit import audit
from convscope.data.auditing.saying import audit_lines
from convscope.data.survey import survey


def audited(folder, **options):
    return audit(DataConfig(source=str(folder), **options))


def test_planted_troubles_are_found_by_name_and_nothing_else(make_folder, picture, encoded):
    folder = make_folder({"train/a": 30, "train/b": 10, "test/a": 5})
    shutil.copy(folder / "train" / "a" / "000.png", folder / "train" / "a" / "twin.png")
    shutil.copy(folder / "test" / "a" / "001.png", folder / "train" / "a" / "leak.png")
    shutil.copy(folder / "train" / "b" / "002.png", folder / "train" / "a" / "mislabelled.png")
    large = picture(700, (400, 300))
    large.save(folder / "train" / "b" / "large.png")
    (folder / "test" / "a" / "small.jpg").write_bytes(encoded(large.resize((200, 150)), "JPEG"))
    (folder / "train" / "a" / "broken.jpg").write_bytes(b"")
    found = audited(folder).to_dict()
    assert {tuple(entry["paths"]) for entry in found["duplicates"]} == {
        ("train/a/000.png", "train/a/twin.png"),
        ("test/a/001.png", "train/a/leak.png"),
        ("train/a/mislabelled.png", "train/b/002.png"),
        ("test/a/small.jpg", "train/b/large.png"),
    }
    assert {tuple(entry["paths"]) for entry in found["leaks"]} == {
        ("test/a/001.png", "train/a/leak.png"),
        ("test/a/small.jpg", "train/b/large.png"),
    }
    assert ["train/a/mislabelled.png", "train/b/002.png"] in [entry["paths"] for entry in found["conflicts"]]
    assert found["quarantined"] == [{"path": "train/a/broken.jpg", "reason": "empty"}]
    assert found["classes"] == [{"name": "a", "count": 39}, {"name": "b", "count": 11}]
    assert found["missing"] == {"test": ["b"]}
    assert found["imbalance"] == pytest.approx(39 / 11)
    json.dumps(found)


def test_clean_data_has_no_findings(make_folder):
    found = audited(make_folder({"a": 20, "b": 20}))
    assert found.duplicates == found.leaks == found.conflicts == found.outliers == found.quarantined == ()
    assert found.cropped_away == pytest.approx(1 - 40 / 48)


def test_odd_images_are_named(make_folder, picture, encoded):
    folder = make_folder({"a": 60, "b": 60})
    picture(800).convert("L").save(folder / "a" / "grey.png")
    picture(801, (400, 40)).save(folder / "a" / "long.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "b" / "turned.jpg").write_bytes(encoded(picture(802), "JPEG", exif=exif.tobytes()))
    found = {entry.path: entry.reason for entry in audited(folder).outliers}
    assert found == {
        "a/grey.png": "grey among colour images",
        "a/long.png": "more than 3 times as long as wide",
        "b/turned.jpg": "turned upright by its EXIF orientation, unlike the others",
    }


def test_the_number_zero_is_a_label_like_others(tmp_path, picture, encoded):
    copy = encoded(picture(7))
    for name, content in (("a", copy), ("b", copy), ("c", encoded(picture(8)))):
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "scores.csv").write_text("path,label\na.png,0\nb.png,1.5\nc.png,2\n")
    found = audited(tmp_path / "scores.csv")
    assert [entry.labels for entry in found.conflicts] == [(0.0, 1.5)]


def test_an_image_without_a_label_is_named_and_is_no_class(tmp_path, picture, encoded):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(picture(number)))
    (tmp_path / "table.csv").write_text("path,label\n0.png,cat\n1.png,dog\n2.png,\n")
    found = audited(tmp_path / "table.csv").to_dict()
    assert found["classes"] == [{"name": "cat", "count": 1}, {"name": "dog", "count": 1}]
    assert found["quarantined"] == [{"path": "2.png", "reason": "no label"}]


def test_arrays_are_audited_too():
    found = audited("digits").to_dict()
    assert found["classes"][3] == {"name": "3", "count": 500}
    assert found["duplicates"] == []


def test_survey_needs_no_pixels(make_folder):
    seen = survey(DataConfig(source=str(make_folder({"a": 3, "b": 2}))))
    assert (seen.count, seen.class_counts, seen.median_size) == (5, {"a": 3, "b": 2}, (48, 40))
    assert (seen.channels, seen.formats, seen.sizes[0]) == (3, {"PNG": 5}, (48, 40))
    digits = survey(DataConfig(source="digits"))
    assert (digits.count, digits.channels, digits.median_size) == (5000, 1, (28, 28))


def test_long_metadata_before_the_size_is_read_through(make_folder, picture, encoded):
    folder = make_folder({"a": 2, "b": 2})
    profile = bytes(200_000)
    (folder / "a" / "long.jpg").write_bytes(encoded(picture(9), "JPEG", icc_profile=profile))
    assert survey(DataConfig(source=str(folder))).quarantined == ()


def test_series_that_names_tell_are_said_with_their_pattern(named_series):
    found = audit(DataConfig(source=str(named_series)))

    assert (found.series.count, found.series.by) == (20, "names")
    assert found.to_dict()["series"]["pattern"] == found.series.pattern
    assert dict(audit_lines(found))["series"] == found.series.said
    plain = audit(DataConfig(source=str(named_series), series=False))
    assert "series" not in dict(audit_lines(plain))
    assert plain.to_dict()["series"]["pattern"] is None


def test_it_says_that_labels_take_a_network(make_folder):
    said = dict(audit_lines(audit(DataConfig(source=str(make_folder({"a": 4, "b": 4}))))))
    assert "convscope diagnose" in said["labels"]
