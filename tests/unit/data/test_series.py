"""Series of one thing or scene are found by names and looks, kept on one side; and not where none are."""

import re

import numpy as np
import pytest
from PIL import ImageEnhance

from convscope.config.asked import DataConfig
from convscope.data.example import Example
from convscope.data.loading import load_dataset
from convscope.data.splitting.dividing import divide_examples
from convscope.data.splitting.naming import patterns_of
from convscope.data.splitting.series import find_series
from convscope.data.splitting.splits import links_of

SCENES, SHOTS, CLASSES = 40, 4, 4
KINDS = [f"class {scene % CLASSES}" for scene in range(SCENES) for _ in range(SHOTS)]
SCENE_OF = [scene for scene in range(SCENES) for _ in range(SHOTS)]


def looks(apart: float = 0.3, width: int = 256) -> np.ndarray:
    """Features in which shots of one scene are alike, and all of a class have much in common."""
    random = np.random.default_rng(0)
    of_class, of_scene = random.normal(size=(CLASSES, width)), random.normal(size=(SCENES, width))
    rows = [
        3 * of_class[scene % CLASSES] + of_scene[scene] + apart * random.normal(size=width)
        for scene in SCENE_OF
    ]
    return np.asarray(rows, dtype=np.float32)


def unlike(width: int = 63) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(len(SCENE_OF), width)).astype(np.float32)


def unnamed() -> list[str]:
    random = np.random.default_rng(2)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return [f"{kind}/{''.join(random.choice(letters, 9))}.jpg" for kind in KINDS]


def named(pattern: str = "t{scene:03d}_exp{shot}_num_{number}") -> list[str]:
    return [
        f"{kind}/" + pattern.format(scene=scene, shot=index % SHOTS, number=900 + 37 * index) + ".jpg"
        for index, (kind, scene) in enumerate(zip(KINDS, SCENE_OF, strict=True))
    ]


def scenes() -> list[list[int]]:
    return links_of(SCENE_OF)


def test_a_number_in_the_names_that_looks_agree_with_is_proposed_as_group_by():
    found = find_series(named(), KINDS, looks(width=63))
    assert (found.by, found.count, found.pattern) == ("names", SCENES, r"/t(\d+)_")
    assert sorted(map(list, found.groups)) == scenes()
    assert "40 series by their names (--group-by '/t(\\d+)_')" in found.said
    assert all(
        re.search(found.pattern, path)[1] == f"{scene:03d}"
        for path, scene in zip(named(), SCENE_OF, strict=True)
    )


def test_names_that_only_features_agree_with_are_believed_too():
    assert not find_series(named(), KINDS, unlike()).groups
    assert find_series(named(), KINDS, unlike(), looks).by == "names"


def test_names_alone_prove_nothing():
    found = find_series(named(), KINDS, unlike(), lambda: unlike(256))
    assert (found.groups, found.said) == ((), "")


def test_folders_within_classes_are_series_where_looks_agree():
    paths = [
        f"{kind}/patient {scene}/{index}.png"
        for index, (kind, scene) in enumerate(zip(KINDS, SCENE_OF, strict=True))
    ]
    found = find_series(paths, KINDS, looks(width=63))
    assert (found.count, found.pattern) == (SCENES, "^(.*)/")


def test_without_names_looks_find_the_scenes_and_nothing_else():
    found = find_series(unnamed(), KINDS, unlike(), looks)
    assert found.by == "looks"
    assert sorted(map(list, found.groups)) == scenes()
    assert "look like 40 series" in found.said


def test_where_no_image_looks_like_another_there_is_no_series():
    assert not find_series(unnamed(), KINDS, unlike(), lambda: unlike(256)).groups


def test_a_class_whose_images_are_all_alike_is_no_series():
    """What a class has in common is no scene: 40 classes of 4 would else be 40 series."""
    classes = [f"class {scene}" for scene in SCENE_OF]
    assert not find_series(unnamed(), classes, unlike(), lambda: looks(apart=0.1)).groups


def test_a_few_that_look_alike_among_many_are_kept_together_only_if_very_much_alike():
    features = unlike(256)
    features[1] = features[0] + 0.01 * features[1]
    features[3] = features[2] + 1.5 * features[3]
    found = find_series(unnamed(), ["a"] * len(KINDS), unlike(), lambda: features)
    assert found.groups == ((0, 1),)
    assert not found.is_plain
    assert found.said == "2 images look like others of one scene or thing; they stay on one side"


def test_consecutive_numbers_that_look_alike_are_series_which_end_where_the_look_changes():
    paths = [f"{kind}/frame_{index:05d}.jpg" for index, kind in enumerate(KINDS)]
    found = find_series(paths, KINDS, looks(width=63))
    assert (found.by, found.count, found.pattern) == ("numbers", SCENES, "")
    assert sorted(map(list, found.groups)) == scenes()


@pytest.mark.parametrize("count", [2, 39])
def test_of_a_few_images_nothing_is_known(count):
    assert not find_series(named()[:count], KINDS[:count], looks(width=63)[:count], looks).groups


def test_features_that_say_nothing_are_no_series():
    blank = np.zeros((len(KINDS), 63), dtype=np.float32)
    assert not find_series(named(), KINDS, blank, lambda: blank).groups


def test_numbers_to_predict_have_series_as_well():
    values = [float(scene) for scene in SCENE_OF]
    assert find_series(named(), values, looks(width=63)).count == SCENES


def test_patterns_can_be_typed_whatever_stands_in_the_names():
    paths = [f"a/it's (1) [x] {scene}+{shot}.jpg" for scene in range(5) for shot in range(3)]
    patterns = patterns_of(paths)
    assert patterns
    assert all(re.search(each.expression, paths[0]) for each in patterns)
    assert patterns_of(["a/1.jpg", "b/x-y.jpg", "c/..jpg"]) == []


def examples(labels, splits=None):
    return [
        Example(f"{i}.png", f"{i:032x}", label, splits[i] if splits else None, None, i)
        for i, label in enumerate(labels)
    ]


def test_a_series_is_dealt_as_one():
    series = [range(start, start + 5) for start in range(0, 100, 5)]
    result = divide_examples(examples(["a", "b"] * 50), DataConfig(), 0, series=series)
    assert all(len({result.splits[index] for index in group}) == 1 for group in series)
    assert set(result.splits) == {"train", "validation", "test"}


@pytest.mark.parametrize("folds", [None, 5])
def test_a_class_that_is_all_one_series_is_divided_image_by_image_and_that_is_said(folds):
    labels = ["a"] * 20 + ["b"] * 20
    series = [range(20), range(20, 22)]
    result = divide_examples(examples(labels), DataConfig(folds=folds), 0, series=series)
    assert result.series == ((20, 21),)
    assert len(set(result.clusters[:20])) == 20
    (note,) = [note for note in result.notes if "series" in note]
    assert "all images of 'a' are of one or a few series" in note


def test_given_splits_that_tear_series_are_left_and_said():
    splits = ["train", "test"] * 10
    result = divide_examples(
        examples(["a"] * 10 + ["b"] * 10, splits), DataConfig(), 0, series=[(0, 1), (2, 3), (4, 6)]
    )
    assert [result.splits[index] for index in (0, 1)] == ["train", "test"]
    assert "2 series stand in two of the given splits, and so left: the figures flatter" in result.notes


@pytest.fixture
def exposures(tmp_path, picture):
    """20 things in two classes, each taken in three brightnesses: `a/thing07_2.png`."""
    for thing in range(20):
        folder = tmp_path / "things" / "ab"[thing % 2]
        folder.mkdir(parents=True, exist_ok=True)
        for shot, light in enumerate((0.3, 0.6, 1.0)):
            image = ImageEnhance.Contrast(picture(thing)).enhance(light)
            image.rotate(4 * shot).save(folder / f"thing{thing:02d}_{shot}.png")
    return tmp_path / "things"


def load(path, recorded=None, **options):
    config = DataConfig(source=str(path), **options)
    return load_dataset(config, size=(24, 24), channels=3, fit="squash", seed=0, series=recorded)


def sides(dataset):
    found = {}
    for split, images in dataset.splits.items():
        for name in images.ids:
            found.setdefault(name.partition("_")[0], set()).add(split)
    return found


def test_files_of_one_thing_stand_on_one_side(exposures):
    dataset = load(exposures)
    assert len(dataset.series) == 20
    assert all(len(splits) == 1 for splits in sides(dataset).values())
    assert any("20 series by their names" in note for note in dataset.notes)


def test_no_series_and_group_by_leave_the_search_out(exposures):
    assert load(exposures, series=False).series == ()
    assert load(exposures, group_by=r"thing(\d\d)").series == ()


def test_recorded_series_divide_the_data_as_before_without_looking(exposures):
    dataset = load(exposures)
    for path in exposures.rglob("*.png"):  # other names tell nothing
        path.rename(path.with_name(path.name.translate(str.maketrans("0123456789_", "abcdefghijk"))))
    assert load(exposures).series == ()
    again = load(exposures, dataset.series)
    assert again.fingerprint == dataset.fingerprint
    assert again.series == dataset.series
