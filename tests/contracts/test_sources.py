"""The same checks on every kind of source."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convscope.config.asked import DataConfig
from convscope.data.loading import load_dataset
from convscope.data.sources import ArraySource, open_source
from convscope.data.survey import survey

CLASSES = ("cat", "img2", "img10")
KINDS = ("folder", "zip", "tar", "tar.gz", "csv", "parquet", "parquet with images", "digits", "counting")


def content(number: int) -> bytes:
    coarse = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((30, 24), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {
    f"{name}/{index}.png": content(20 * place + index)
    for place, name in enumerate(CLASSES)
    for index in range(12)
}


def make(kind: str, folder: Path) -> str:
    for name, image in FILES.items():
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
    match kind:
        case "folder":
            return str(folder / "photos")
        case "zip":
            with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
                for name, image in FILES.items():
                    archive.writestr(name, image)
            return str(folder / "photos.zip")
        case "tar" | "tar.gz":
            path = folder / f"photos.{kind}"
            with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as tar:
                tar.add(folder / "photos", arcname="photos")
            return str(path)
        case "csv":
            lines = "".join(f"photos/{name},{name.split('/')[0]}\n" for name in FILES)
            (folder / "photos.csv").write_text("path,label\n" + lines)
            return str(folder / "photos.csv")
        case "parquet" | "parquet with images":
            return make_parquet(folder, inside=kind != "parquet")
        case "digits":
            return "digits"
        case _:
            return "counting:1-3?images=30"


def make_parquet(folder: Path, *, inside: bool) -> str:
    pyarrow = pytest.importorskip("pyarrow", reason="needs Parquet: pip install pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs Parquet: pip install pyarrow")
    labels = [name.split("/")[0] for name in FILES]
    if inside:
        columns = {
            "image": [{"bytes": image, "path": name} for name, image in FILES.items()],
            "label": labels,
        }
    else:
        columns = {"path": [f"photos/{name}" for name in FILES], "label": labels}
    parquet.write_table(pyarrow.table(columns), folder / "photos.parquet", row_group_size=10)
    return str(folder / "photos.parquet")


@pytest.fixture(params=KINDS)
def config(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataConfig:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return DataConfig(source=make(request.param, tmp_path))


def load(config: DataConfig, seed: int = 0):
    return load_dataset(config, size=(16, 16), channels=3, fit="squash", seed=seed)


def test_source_is_whole_and_consistent(config):
    source = open_source(config)
    assert source.name
    assert "/" not in source.name
    ids = source.ids if isinstance(source, ArraySource) else [item.id for item in source.items]
    assert len(set(ids)) == len(ids) > 0
    if isinstance(source, ArraySource):
        assert source.images.dtype == np.uint8
        assert source.images.shape[1] in (1, 3)
        assert len(source.images) == len(source.labels) == len(ids)
        assert set(source.labels.tolist()) == set(range(len(source.class_names)))
    else:
        assert source.class_names == CLASSES
        assert sorted(item.read() for item in source.items) == sorted(FILES.values())
        assert all(item.read(8) == b"\x89PNG\r\n\x1a\n" for item in source.items)


def test_opening_twice_gives_the_same(config):
    first, second = load(config), load(config)
    assert first.fingerprint == second.fingerprint
    for split, images in first.splits.items():
        assert images.ids == second.splits[split].ids
        assert torch.equal(images.images.all(), second.splits[split].images.all())


def test_splits_are_whole_stratified_and_share_nothing(config):
    dataset = load(config)
    sets = dataset.splits.values()
    assert all(set(images.labels.tolist()) == set(range(len(dataset.class_names))) for images in sets)
    hashes = [set(images.hashes) for images in sets]
    assert not hashes[0] & hashes[1]
    assert not hashes[0] & hashes[2]
    assert not hashes[1] & hashes[2]
    for images in sets:
        assert images.images.all().dtype == torch.uint8
        assert images.images.shape == (len(images), 3, 16, 16)
        assert images.labels.dtype == torch.int64
        assert len(images) == len(images.labels) == len(images.ids) == len(images.hashes)


def test_survey_counts_what_loading_finds(config):
    seen, dataset = survey(config), load(config)
    assert seen.count == sum(map(len, dataset.splits.values()))
    assert tuple(seen.class_counts) == dataset.class_names
    assert sum(seen.class_counts.values()) == seen.count
    assert seen.quarantined == dataset.quarantined == ()


def test_another_seed_is_another_deal_of_the_same_images(config):
    first, second = load(config), load(config, seed=1)
    assert first.train.ids != second.train.ids
    assert {i for s in first.splits.values() for i in s.hashes} == {
        i for s in second.splits.values() for i in s.hashes
    }


def test_every_kind_of_file_source_divides_the_same_content_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    prints = {
        load(DataConfig(source=make(kind, tmp_path / kind))).fingerprint for kind in ("folder", "zip", "csv")
    }
    assert len(prints) == 1
