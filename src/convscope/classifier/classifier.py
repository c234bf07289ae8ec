"""The classifier: preprocessing, network and class names in one object that every path goes through."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from PIL import Image
from torch import Tensor, nn

from convscope.classifier.logits import compute_logits
from convscope.classifier.model_card import model_card
from convscope.config.asked import NetworkConfig, Task
from convscope.data.pixels.decoding import decode
from convscope.data.preprocessing import Preprocessing
from convscope.data.sources.contents import DiskFile
from convscope.errors import RunError, UsageError
from convscope.networks.build import build_network
from convscope.runs import atomic
from convscope.runs.checkpoints import find_checkpoint, read_state, read_tensors
from convscope.runs.folder import Run

DESCRIPTION = "classifier.json"
PREDICT_CHUNK = 256
PNG_MODES = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")

Picture = str | Path | Image.Image


@dataclass(frozen=True)
class Target:
    """What the outputs mean: class scores, or one number.

    Attributes:
        task: classification or regression.
        class_names: in index order; empty for regression.
        mean, std: a regression's output is `prediction = output * std + mean`.
        low, high: the range of the numbers seen in training.
    """

    task: Task = "classification"
    class_names: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    low: float = 0.0
    high: float = 0.0

    @property
    def num_outputs(self) -> int:
        """Units of the last layer."""
        return len(self.class_names) if self.task == "classification" else 1


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Attributes:
        path: where the image came from; `image 3` for one that came as pixels.
        class_name, probability: the likeliest class; for regression the number as text, and nan.
        probabilities: of every class, `{name: probability}`.
        value: the predicted number, for regression.
        outside: whether `value` lies outside the range seen in training.
    """

    path: str
    class_name: str
    probability: float
    probabilities: dict[str, float]
    value: float | None = None
    outside: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `class` is the class's name."""
        if self.value is not None:
            return {"path": self.path, "value": self.value, "outside_training_range": self.outside}
        return {
            "path": self.path,
            "class": self.class_name,
            "probability": self.probability,
            "probabilities": self.probabilities,
        }


@dataclass(frozen=True, eq=False)
class Classifier:
    """Preprocessing + network + what its outputs mean. Train = evaluate = predict = serve = export."""

    network: nn.Module
    network_config: NetworkConfig
    preprocessing: Preprocessing
    target: Target

    @staticmethod
    def build(
        config: NetworkConfig,
        preprocessing: Preprocessing,
        target: Target,
        *,
        seed: int,
        pretrained_weights: bool = True,
    ) -> Classifier:
        """An untrained classifier, its weights a function of the seed; a pretrained one has a new head.

        Without `pretrained_weights` none are fetched: a checkpoint is going to be loaded into it.
        """
        network = build_network(
            config,
            in_channels=preprocessing.channels,
            image_size=preprocessing.size,
            num_classes=target.num_outputs,
            seed=seed,
            pretrained_weights=pretrained_weights,
        )
        network = network.to(memory_format=torch.channels_last)
        return Classifier(network, config, preprocessing, target)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order."""
        return self.target.class_names

    def logits(self, images: Tensor, *, batch_size: int | None = None) -> Tensor:
        """Float32 `(N, num_classes)` of uint8 images `(N, C, H, W)`; for regression `(N, 1)`, the numbers."""
        if not len(images):
            return torch.empty(0, self.target.num_outputs)
        outputs = compute_logits(self.network, self.preprocessing, images, batch_size=batch_size)
        if self.target.task == "regression":
            return outputs * self.target.std + self.target.mean
        return outputs

    def read(self, picture: Picture) -> Tensor:
        """One image file or picture -> uint8 `(C, H, W)`, as in training.

        Raises:
            BrokenImage: with the reason in plain words.
        """
        content = _as_file(picture) if isinstance(picture, Image.Image) else DiskFile(Path(picture)).read()
        image = decode(
            content,
            channels=self.preprocessing.channels,
            target_size=max(self.preprocessing.size),
        )
        return self.preprocessing.fit_image(image)

    def predict(self, pictures: Picture | Iterable[Picture]) -> list[Prediction]:
        """Classify image files or PIL images.

        Raises:
            DataError: for a file that is not an image.
        """
        if isinstance(pictures, str | Path | Image.Image):
            pictures = [pictures]
        predictions: list[Prediction] = []
        for chunk in _chunks(pictures):
            names = [
                str(picture) if isinstance(picture, str | Path) else f"image {len(predictions) + position}"
                for position, picture in enumerate(chunk)
            ]
            predictions += self.predict_pixels([self.read(picture) for picture in chunk], names)
        return predictions

    def predict_pixels(self, images: Sequence[Tensor], names: Sequence[str]) -> list[Prediction]:
        """Classify images that `read` returned, uint8 `(C, H, W)` each."""
        return self.describe(self.logits(torch.stack(list(images))), names) if images else []

    def describe(self, logits: Tensor, names: Sequence[str]) -> list[Prediction]:
        """Logits `(N, num_classes)` in words."""
        if self.target.task == "regression":
            return [
                self._describe_number(name, value)
                for name, value in zip(names, logits[:, 0].tolist(), strict=True)
            ]
        predictions = []
        for name, row in zip(names, logits.double().softmax(1), strict=True):
            best = int(row.argmax())
            probabilities = dict(zip(self.class_names, row.tolist(), strict=True))
            predictions.append(Prediction(name, self.class_names[best], float(row[best]), probabilities))
        return predictions

    def _describe_number(self, name: str, value: float) -> Prediction:
        outside = not self.target.low <= value <= self.target.high
        return Prediction(name, f"{value:.2f}", float("nan"), {}, value=value, outside=outside)

    def to(self, device: torch.device | str) -> Classifier:
        """The same classifier, its network moved to a device."""
        self.network.to(device)
        return self

    def description(self) -> dict[str, Any]:
        """All but the weights, for JSON: enough to build the classifier again."""
        return {
            "format": 1,
            "network": dataclasses.asdict(self.network_config),
            "preprocessing": self.preprocessing.to_dict(),
            "target": dataclasses.asdict(self.target),
        }

    @staticmethod
    def from_description(values: dict[str, Any], weights: dict[str, Tensor], where: str) -> Classifier:
        """The inverse of `description`, with weights.

        Raises:
            RunError: when the description cannot be read, or the weights are not of the described network.
        """
        classifier = _from_scratch(values, where, seed=0, pretrained_weights=False)
        try:
            classifier.network.load_state_dict(weights)
        except RuntimeError as error:
            first = " ".join(str(error).splitlines()[1:2]).strip() or str(error)
            raise RunError(
                f"{where}: the weights are not those of {classifier.network_config.name}: {first}"
            ) from None
        return classifier

    def save(self, folder: Path | str) -> Path:
        """Write `config.json`, `model.safetensors` and a model card, the layout that model hubs use."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.contiguous().cpu() for name, tensor in self.network.state_dict().items()}
        atomic.write_file(folder / "model.safetensors", safetensors.torch.save(weights))
        atomic.write_file(folder / "config.json", json.dumps(self.description(), indent=1).encode())
        atomic.write_file(folder / "README.md", model_card(self.description()).encode())
        return folder

    @staticmethod
    def load(path: Path | str, which: str = "final") -> Classifier:
        """A classifier from a run, or from a folder that `save` made.

        Args:
            path: the folder.
            which: of a run's checkpoints: `final` (what the run's figures were measured on), `last`, `best`,
                a step, or `untrained`.

        Raises:
            RunError: when the folder holds no classifier, or no such checkpoint.
        """
        path = Path(path)
        if (path / "model.safetensors").is_file() and (path / "config.json").is_file():
            try:
                description = json.loads((path / "config.json").read_text(encoding="utf-8"))
            except ValueError as error:
                raise RunError(f"{path / 'config.json'} is damaged: {error}") from None
            return Classifier.from_description(
                description, read_tensors(path / "model.safetensors"), str(path)
            )
        run = Run.open(path)
        description = run.read(DESCRIPTION)
        if which == "untrained":
            return Classifier.untrained(run)
        if which == "final":
            which = final_checkpoint(run)
        folder = find_checkpoint(run.checkpoint_folder, which)
        return Classifier.from_description(
            description, read_tensors(folder / "network.safetensors"), str(folder)
        )

    @staticmethod
    def untrained(run: Run) -> Classifier:
        """The classifier as it was before the run's first step."""
        return _from_scratch(run.read(DESCRIPTION), str(run.path), seed=run.config.seed)


def _from_scratch(
    values: dict[str, Any], where: str, *, seed: int, pretrained_weights: bool = True
) -> Classifier:
    """The described classifier with the weights that it starts training with."""
    try:
        target = Target(**{**values["target"], "class_names": tuple(values["target"]["class_names"])})
        preprocessing = Preprocessing.from_dict(values["preprocessing"])
        config = NetworkConfig(**values["network"])
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise RunError(f"{where}: the description of the classifier cannot be read: {error}") from None
    return Classifier.build(config, preprocessing, target, seed=seed, pretrained_weights=pretrained_weights)


def _as_file(picture: Image.Image) -> bytes:
    """The file an opened picture could be, so that it goes the way of files: upright, on white, 8 bits."""
    if picture.mode not in PNG_MODES:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    content = io.BytesIO()
    picture.save(content, "PNG", exif=picture.getexif(), compress_level=0)
    return content.getvalue()


def final_checkpoint(run: Run) -> str:
    """What a run's figures are measured on: the best checkpoint if training may stop early, else the last."""
    if run.config.training.early_stopping is not None and (run.checkpoint_folder / "best").exists():
        return "best"
    return "last"


def checkpoint_step(run: Run, which: str) -> int:
    """The step of a named checkpoint."""
    return int(read_state(find_checkpoint(run.checkpoint_folder, which))["step"])


def _chunks(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    chunk: list[Picture] = []
    for picture in pictures:
        chunk.append(picture)
        if len(chunk) == PREDICT_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
