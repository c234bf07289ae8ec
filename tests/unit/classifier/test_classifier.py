"""One classifier for every path: what training measured is what a new process predicts, and nothing moves."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.classifier.classifier import Classifier
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.preprocessing import Preprocessing
from convscope.errors import ConvscopeError, DataError, RunError
from convscope.runs.folder import Run

SIZE = 16


def picture(number: int, width: int, height: int) -> Image.Image:
    """A smooth picture that looks different from every side."""
    coarse = np.random.default_rng(number).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(image, "JPEG", exif=exif, quality=92)


def with_alpha(image: Image.Image) -> Image.Image:
    alpha = Image.linear_gradient("L").resize(image.size)
    image = image.copy()
    image.putalpha(alpha)
    return image


def sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


FILES: dict[str, Callable[[int], bytes]] = {
    **{
        f"turned-{orientation}.jpg": lambda n, o=orientation: with_orientation(picture(n, 31, 20), o)
        for orientation in range(1, 9)
    },
    "large.jpg": lambda n: encode(picture(n, 640, 500), "JPEG"),
    "large-turned.jpg": lambda n: with_orientation(picture(n, 500, 300), 6),
    "grey.jpg": lambda n: encode(picture(n, 40, 30).convert("L"), "JPEG"),
    "cmyk.jpg": lambda n: encode(picture(n, 40, 30).convert("CMYK"), "JPEG"),
    "palette.png": lambda n: encode(picture(n, 24, 18).convert("P"), "PNG"),
    "alpha.png": lambda n: encode(with_alpha(picture(n, 24, 18)), "PNG"),
    "see-through-palette.png": lambda n: encode(picture(n, 24, 18).convert("P"), "PNG", transparency=0),
    "grey.png": lambda n: encode(picture(n, 24, 18).convert("L"), "PNG"),
    "grey-alpha.png": lambda n: encode(with_alpha(picture(n, 24, 18)).convert("LA"), "PNG"),
    "sixteen.png": lambda n: encode(sixteen_bits(picture(n, 24, 18)), "PNG"),
    "exact.bmp": lambda n: encode(picture(n, SIZE, SIZE), "BMP"),
    "tiny.gif": lambda n: encode(picture(n, 5, 7), "GIF"),
    "photo.webp": lambda n: encode(picture(n, 50, 20), "WEBP"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of file in two classes, all given to the test split as well as some for training."""
    root = tmp_path_factory.mktemp("data") / "kinds"
    for place, name in enumerate(("bright", "dull")):
        for split, count in (("train", 6), ("validation", 3)):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                content = encode(
                    picture(1000 + 100 * place + number + 10 * (split == "train"), 20, 20), "PNG"
                )
                (root / split / name / f"{number}.png").write_bytes(content)
        (root / "test" / name).mkdir(parents=True)
        for number, (file, make) in enumerate(FILES.items()):
            (root / "test" / name / file).write_bytes(make(2000 + 100 * place + number))
    return root


@pytest.fixture(scope="module", params=["crop", "pad"])
def run(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    settings = {"size": SIZE, "channels": 3, "fit": request.param, "network": "two-conv", "dropout": 0.3}
    return convscope.train(folder, runs=runs, **settings, steps=4, batch_size=6, threads=1, ema=0.5).path


def probabilities(logits: np.ndarray) -> np.ndarray:
    return torch.tensor(logits).double().softmax(1).numpy()


def kept(run: Path) -> dict[str, np.ndarray]:
    """What training wrote down for the test split: path → probabilities."""
    arrays = Run.open(run).read_arrays("predictions/test.npz")
    return dict(zip(arrays["ids"].tolist(), probabilities(arrays["logits"]), strict=True))


def test_every_kind_of_file_was_evaluated(run: Path) -> None:
    assert {Path(name).name for name in kept(run)} == set(FILES)
    assert json.loads((run / "dataset.json").read_text())["quarantined"] == []


def test_predict_one_by_one_gives_what_training_measured(run: Path, folder: Path) -> None:
    classifier = convscope.load(run)
    for name, expected in kept(run).items():
        [prediction] = classifier.predict(folder / name)
        assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5), name
        assert prediction.probability == max(prediction.probabilities.values())
        assert prediction.class_name == classifier.class_names[int(expected.argmax())]


def test_evaluate_gives_what_training_measured(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())["test"]
    again = convscope.evaluate(run).to_dict()
    assert again["accuracy"] == summary["accuracy"]
    assert again["loss"] == pytest.approx(summary["loss"], abs=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 1000])
def test_the_size_of_a_batch_does_not_matter(run: Path, folder: Path, batch_size: int) -> None:
    classifier = convscope.load(run)
    expected = kept(run)
    images = torch.stack([classifier.read(folder / name) for name in expected])
    got = probabilities(classifier.logits(images, batch_size=batch_size).numpy())
    assert np.abs(got - np.stack(list(expected.values()))).max() < 1e-5


def test_the_network_sees_the_same_pixels_in_every_path(run: Path, folder: Path) -> None:
    """Bit for bit: what the loader made for training, and what one prediction makes."""
    from convscope.data.loading import load_dataset

    classifier, config = convscope.load(run), Run.open(run).config
    dataset = load_dataset(
        config.data, size=classifier.preprocessing.size, channels=3, fit=classifier.preprocessing.fit, seed=0
    )
    for name, pixels in zip(dataset.test.ids, dataset.test.images, strict=True):
        assert classifier.read(folder / name).equal(pixels), name


def test_a_new_process_predicts_the_same(run: Path, folder: Path) -> None:
    names = sorted(kept(run))
    code = (
        "import sys, json, convscope\n"
        "found = convscope.load(sys.argv[1]).predict(sys.argv[2:])\n"
        "print(json.dumps([list(p.probabilities.values()) for p in found]))"
    )
    paths = [str(folder / name) for name in names]
    done = subprocess.run(
        [sys.executable, "-c", code, str(run), *paths], capture_output=True, text=True, check=True
    )
    expected = np.stack([kept(run)[name] for name in names])
    assert np.abs(np.array(json.loads(done.stdout)) - expected).max() < 1e-5


@pytest.mark.parametrize("name", [name for name in FILES if "large" not in name])
def test_an_opened_picture_is_predicted_like_its_file(run: Path, folder: Path, name: str) -> None:
    """Turned upright, on white, scaled from 16 bits. (Large JPEGs are decoded at a part of their size.)"""
    classifier = convscope.load(run)
    path = folder / "test" / "dull" / name
    with Image.open(path) as image:
        assert classifier.read(image).equal(classifier.read(path))


def test_saved_and_loaded_elsewhere(run: Path, folder: Path, tmp_path: Path) -> None:
    classifier = convscope.load(run)
    saved = classifier.save(tmp_path / "model")
    names = ["README.md", "config.json", "held_out.safetensors", "model.safetensors"]
    assert sorted(path.name for path in saved.iterdir()) == names
    again = convscope.load(saved)
    assert again.class_names == classifier.class_names == ("bright", "dull")
    for (name, left), (other, right) in zip(
        classifier.network.state_dict().items(), again.network.state_dict().items(), strict=True
    ):
        assert name == other
        assert left.equal(right)
    assert again.preprocessing.mean.equal(classifier.preprocessing.mean)
    assert again.preprocessing.std.equal(classifier.preprocessing.std)
    paths = sorted((folder / "test").rglob("*.*"))
    assert [p.probabilities for p in again.predict(paths)] == [
        p.probabilities for p in classifier.predict(paths)
    ]
    card = (saved / "README.md").read_text()
    assert "image-classification" in card
    assert "`bright`" in card


def test_a_saved_classifier_is_evaluated_on_a_folder(run: Path, folder: Path, tmp_path: Path) -> None:
    saved = convscope.load(run).save(tmp_path / "model")
    assert convscope.evaluate(saved, folder).accuracy == convscope.evaluate(run).accuracy
    with pytest.raises(RunError, match="no data of its own"):
        convscope.evaluate(saved)


@pytest.mark.parametrize("network", ["linear", "small-resnet", "vgg12", "timm:resnet10t"])
def test_every_network_survives_save_and_load(network: str, tmp_path: Path) -> None:
    preprocessing = Preprocessing(height=32, width=32, channels=3)
    config = NetworkConfig(name=network)
    classifier = Classifier.build(config, preprocessing, Target(class_names=("a", "b", "c")), seed=1)
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    again = Classifier.load(classifier.save(tmp_path))
    assert again.logits(images).equal(classifier.logits(images))


def test_weights_that_are_damaged_are_named(run: Path, tmp_path: Path) -> None:
    saved = convscope.load(run).save(tmp_path / "model")
    (saved / "model.safetensors").write_bytes(b"short")
    with pytest.raises(RunError, match=r"model\.safetensors"):
        convscope.load(saved)
    (saved / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"config\.json"):
        convscope.load(saved)


def test_predict_on_no_image_raises_what_users_catch(run: Path, tmp_path: Path) -> None:
    classifier = convscope.load(run)
    (tmp_path / "x.png").write_text("no picture")
    for path in (tmp_path / "x.png", tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(ConvscopeError):
            classifier.predict(path)
    with pytest.raises(DataError):
        classifier.predict([tmp_path / "x.png"])
    assert classifier.predict([]) == []


def test_no_image_gives_no_logits(run: Path) -> None:
    classifier = convscope.load(run)
    assert classifier.logits(torch.empty(0, 3, SIZE, SIZE, dtype=torch.uint8)).shape == (0, 2)


def test_logits_can_be_worked_with(run: Path) -> None:
    """No inference tensors leak out: gradients through what one adds to them work."""
    logits = convscope.load(run).logits(torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8))
    scale = torch.ones(1, requires_grad=True)
    (logits * scale).sum().backward()
    assert scale.grad is not None


def test_the_untrained_classifier_is_another_one(run: Path) -> None:
    untrained, trained = convscope.load(run, "untrained"), convscope.load(run)
    assert not untrained.network.logits.weight.equal(trained.network.logits.weight)
    assert convscope.load(run, "untrained").network.logits.weight.equal(untrained.network.logits.weight)
