import shutil

import numpy as np
import pytest
import torch

from convscope.config.asked import DataConfig
from convscope.data.dataset import ImageRows, join
from convscope.data.loading import load_dataset
from convscope.data.pixels import decoded
from convscope.data.pixels.decoding import decode
from convscope.data.preprocessing import fit_image
from convscope.errors import DataError, UsageError
from convscope.training.folding.folds import split_into_folds


def load(folder, *, size=16, channels=3, seed=0, fit="squash", known=None, more=None, **options):
    return load_dataset(
        DataConfig(source=str(folder), **options),
        size=(size, size),
        channels=channels,
        fit=fit,
        seed=seed,
        known_classes=known,
        **(more or {}),
    )


def by_hash(dataset):
    return {digest: split for split, images in dataset.splits.items() for digest in images.hashes}


def test_pixels_are_those_that_prediction_decodes(make_folder):
    folder = make_folder({"cat": 12, "dog": 12})
    dataset = load(folder, size=20, fit="crop")
    assert dataset.train.images.all().dtype == torch.uint8
    assert dataset.train.images.shape[1:] == (3, 20, 20)
    for images in dataset.splits.values():
        for pixels, name, label in zip(images.images, images.ids, images.labels, strict=True):
            image = decode((folder / name).read_bytes(), channels=3, target_size=20)
            wanted = np.asarray(fit_image(image, (20, 20), "crop")).transpose(2, 0, 1)
            assert np.array_equal(pixels.numpy(), wanted)
            assert dataset.class_names[label] == name.split("/")[0]


def test_split_follows_content_not_names_or_order(make_folder, tmp_path):
    folder = make_folder({"cat": 30, "dog": 30})
    first = load(folder)
    renamed = tmp_path / "renamed"
    for path in folder.rglob("*.png"):
        target = renamed / path.parent.name / f"{hash(path.read_bytes())}.jpeg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    second = load(renamed)
    assert by_hash(first) == by_hash(second)
    assert first.fingerprint == second.fingerprint
    assert by_hash(load(folder, seed=1)) != by_hash(first)


def test_fingerprint_sees_content_class_and_split(make_folder):
    folder = make_folder({"cat": 10, "dog": 10})
    before = load(folder).fingerprint
    (folder / "cat" / "000.png").rename(folder / "dog" / "moved.png")
    assert load(folder).fingerprint != before


def test_exact_copies_and_resized_copies_stay_on_one_side(make_folder, picture, encoded):
    folder = make_folder({"cat": 30, "dog": 30})
    for number in range(12):
        original = picture(number + 500, (400, 300))
        original.save(folder / "cat" / f"original{number}.png")
        shutil.copy(folder / "cat" / f"original{number}.png", folder / "cat" / f"copy{number}.png")
        (folder / "cat" / f"small{number}.jpg").write_bytes(
            encoded(original.resize((200, 150)), "JPEG", quality=60)
        )
    dataset = load(folder, size=64)
    for number in range(12):
        names = {f"cat/original{number}.png", f"cat/copy{number}.png", f"cat/small{number}.jpg"}
        assert sum(not names.isdisjoint(images.ids) for images in dataset.splits.values()) == 1
        (images,) = (images for images in dataset.splits.values() if not names.isdisjoint(images.ids))
        clusters = {images.clusters[images.ids.index(name)] for name in names}
        assert len(clusters) == 1
        assert images.clusters.count(clusters.pop()) == 3
    assert "36 images have copies or near-copies here; they stay on one side" in dataset.notes


def test_given_splits_are_kept_and_missing_ones_come_from_training(make_folder):
    dataset = load(make_folder({"train/a": 40, "train/b": 40, "test/a": 5, "test/b": 6}))
    assert len(dataset.test) == 11
    assert all(name.startswith("test/") for name in dataset.test.ids)
    assert (len(dataset.train), len(dataset.validation)) == (68, 12)
    no_test = load(make_folder({"train/a": 9, "train/b": 9, "val/a": 4, "val/b": 3}, name="other", first=500))
    assert (len(no_test.train), len(no_test.validation), len(no_test.test)) == (18, 7, 0)


def test_planted_leak_is_left_out_of_training_and_named(make_folder, picture, encoded):
    folder = make_folder({"train/a": 20, "train/b": 20, "test/a": 5, "test/b": 5})
    shutil.copy(folder / "test" / "a" / "000.png", folder / "train" / "a" / "leak.png")
    large = picture(800, (320, 240))
    large.save(folder / "test" / "b" / "large.png")
    (folder / "train" / "b" / "resized.jpg").write_bytes(encoded(large.resize((160, 120)), "JPEG"))
    dataset = load(folder, size=64)
    used = {name for images in dataset.splits.values() for name in images.ids}
    assert {"train/a/leak.png", "train/b/resized.jpg"}.isdisjoint(used)
    assert len(dataset.test) == 11
    (note,) = [note for note in dataset.notes if "left out" in note]
    assert "train/a/leak.png" in note
    assert "train/b/resized.jpg" in note


def test_groups_are_not_torn(make_folder):
    folder = make_folder({f"cat/scene{index}": 4 for index in range(10)} | {"dog": 20})
    dataset = load(folder, group_by=r"scene\d+")
    for index in range(10):
        assert sum(any(f"scene{index}/" in name for name in s.ids) for s in dataset.splits.values()) == 1


def test_classes_match_by_name_and_indices_stay(make_folder):
    folder = make_folder({"cat": 4, "ant": 4})
    dataset = load(folder, known=("wasp", "cat", "ant"), more={"divided": False})
    assert dataset.class_names == ("wasp", "cat", "ant")
    assert len(dataset.train) == len(dataset.validation) == 0
    assert dataset.test.labels.tolist() == [2] * 4 + [1] * 4
    assert "no images here of: wasp" in dataset.notes


def test_unknown_class_stops_unless_ignored(make_folder):
    folder = make_folder({"ant": 4, "hornet": 4})
    with pytest.raises(DataError, match="'hornet'"):
        load(folder, known=("ant", "wasp"))
    dataset = load(folder, known=("ant", "wasp"), more={"divided": False, "ignore_unknown": True})
    assert len(dataset.test) == 4
    assert "4 images of unknown classes left out: hornet" in dataset.notes


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"cat": 5}, "one class only"),
        ({"cat": 5, "dog": 0}, "no image that can be used in class 'dog'"),
        ({"cat": 0, "dog": 0}, "no image that can be used"),
        ({"train/a": 3, "train/b": 3, "test/c": 2}, "no training image of class 'c'"),
        ({"test/a": 3, "test/b": 3}, "no image to train on"),
    ],
)
def test_data_that_cannot_be_learnt_from_stops(make_folder, counts, message):
    with pytest.raises(DataError, match=message):
        load(make_folder(counts))


def test_fractions_must_leave_something(make_folder):
    with pytest.raises(UsageError, match="leave nothing for training"):
        load(make_folder({"a": 5, "b": 5}), validation_fraction=0.5, test_fraction=0.5)


def test_large_set_is_mapped_and_the_same_as_in_memory(make_folder, monkeypatch):
    folder = make_folder({"cat": 25, "dog": 25})
    shutil.copy(folder / "cat" / "000.png", folder / "cat" / "copy.png")
    small = load(folder)
    monkeypatch.setattr(decoded, "SMALL", 0)
    for _ in range(2):  # written, then found
        large = load(folder)
        for split, images in large.splits.items():
            assert images.ids == small.splits[split].ids
            assert torch.equal(images.images.all(), small.splits[split].images.all())
    other = load(folder, seed=4)
    assert other.train.ids != small.train.ids
    for pixels, digest in zip(other.train.images, other.train.hashes, strict=True):
        where = next(s for s in small.splits.values() if digest in s.hashes)
        assert torch.equal(pixels, where.images[where.hashes.index(digest)])


def test_nothing_is_decoded_twice(make_folder, monkeypatch):
    folder = make_folder({"cat": 6, "dog": 6})
    first = load(folder)

    def never(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoded, "decode_and_judge", never)
    assert torch.equal(load(folder).train.images.all(), first.train.images.all())
    with pytest.raises(AssertionError):
        load(folder, size=17)


def test_without_room_for_the_cache_pixels_stay_in_memory(make_folder, monkeypatch, tmp_path):
    folder = make_folder({"cat": 6, "dog": 6})
    wanted = load(folder).train.images.all()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    dataset = load(folder)
    assert torch.equal(dataset.train.images.all(), wanted)
    assert any("the pixel cache cannot be written" in note for note in dataset.notes)


def test_digits_divide_evenly_and_resize():
    dataset = load("digits", size=20, channels=3)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (3500, 750, 750)
    assert torch.bincount(dataset.test.labels).tolist() == [75] * 10
    assert dataset.train.images.shape == (3500, 3, 20, 20)
    assert torch.equal(dataset.train.images.all()[:, 0], dataset.train.images.all()[:, 2])


def test_without_a_test_image_it_is_said(make_folder):
    dataset = load(make_folder({"train/a": 6, "train/b": 6, "valid/a": 2, "valid/b": 2}))
    assert not len(dataset.test)
    assert dataset.notes[-1].startswith("no image is left for a test")
    assert not any("for a test" in note for note in load(make_folder({"a": 9, "b": 9}, "other")).notes)


def test_folds_and_pools_share_the_pixels_of_a_mapped_set(make_folder, monkeypatch):
    monkeypatch.setattr(decoded, "SMALL", 0)
    dataset = load(make_folder({"cat": 15, "dog": 15}))
    pooled = dataset.all_for_training().train
    shared = dataset.train.images.pixels
    parts = [fold.dataset for fold in split_into_folds(dataset, 3, seed=0)]
    sets = [images for part in (dataset, *parts) for images in part.splits.values()]
    assert all(images.images.pixels.data_ptr() == shared.data_ptr() for images in (pooled, *sets))
    assert sorted(pooled.hashes) == sorted(h for images in dataset.splits.values() for h in images.hashes)
    for images in sets:
        wanted = [pooled.images[pooled.hashes.index(digest)] for digest in images.hashes]
        assert all(torch.equal(pixels, other) for pixels, other in zip(images.images, wanted, strict=True))


def test_images_are_read_in_every_way_that_a_tensor_is():
    pixels = torch.arange(5 * 12, dtype=torch.uint8).view(5, 3, 2, 2)
    images = ImageRows.of(pixels).take(torch.tensor([4, 0, 2]))
    chosen = pixels[[4, 0, 2]]
    assert (len(images), images.shape) == (3, (3, 3, 2, 2))
    for index in (1, -1, slice(None, None, 2), torch.tensor([2, 0]), torch.tensor([True, False, True])):
        assert torch.equal(images[index], chosen[index])
        assert torch.equal(images.mirror()[index], chosen[index].flip(-1))
    assert torch.equal(images.mirror().mirror().all(), chosen)
    with pytest.raises(IndexError):
        images[3]


def test_sets_of_different_sources_are_joined_by_copying(make_folder):
    first, second = load(make_folder({"a": 8, "b": 8})), load(make_folder({"a": 9, "b": 8}, "other"))
    joined = join([first.train, second.train])
    assert torch.equal(joined.images.all(), torch.cat([first.train.images.all(), second.train.images.all()]))
