"""The classifier: preprocessing, network and class names in one object that every path goes through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from convscope.classifier.answers import Answers
from convscope.classifier.backbone import Backbone
from convscope.classifier.held_out.comparing import compare_with_training
from convscope.classifier.held_out.record import HeldOut
from convscope.classifier.logits import compute_logits
from convscope.classifier.pictures import Asked, Picture, asked_pictures
from convscope.classifier.prediction import Prediction, describe_outputs
from convscope.classifier.reading import Readied, Reading, judge_picture, read_picture
from convscope.classifier.storage import Description, Stored, find_classifier, write_classifier
from convscope.classifier.target import Target
from convscope.config.asked import NetworkConfig
from convscope.data.dataset import Images
from convscope.data.preprocessing import Preprocessing
from convscope.data.quarantine import BrokenImage, Quarantined
from convscope.data.sources.tree import looks_like_image
from convscope.data.threads import in_order
from convscope.errors import RunError, UsageError
from convscope.networks.build import build_network
from convscope.notebook import aligned, box, labelled, title
from convscope.runs.folder import Run
from convscope.wording import shown, some

PREDICT_CHUNK = 256


@dataclass(frozen=True, eq=False, repr=False)
class Classifier:
    """Preprocessing + network + what its outputs mean. Train = evaluate = predict = serve = export.

    Always in evaluation mode: the network is put into it here, and nothing that predicts changes it. So one
    classifier may be shared between threads.

    >>> import convscope as cs
    >>> classifier = cs.load("runs/photos")
    >>> classifier.class_names
    ('ant', 'bee')
    >>> classifier.predict("new.png")[0].class_name
    'bee'
    """

    network: nn.Module
    network_config: NetworkConfig
    preprocessing: Preprocessing
    target: Target
    reading: Reading = field(default_factory=Reading)
    held_out: HeldOut | None = None

    def __post_init__(self) -> None:
        self.network.eval()

    @staticmethod
    def build(
        config: NetworkConfig,
        preprocessing: Preprocessing,
        target: Target,
        *,
        seed: int,
        pretrained_weights: bool = True,
        reading: Reading | None = None,
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
        return Classifier(network, config, preprocessing, target, reading or Reading())

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order."""
        return self.target.class_names

    def logits(self, images: Images, *, batch_size: int | None = None) -> Tensor:
        """Float32 `(N, num_classes)` of uint8 images `(N, C, H, W)`; for regression `(N, 1)`, the numbers."""
        if not len(images):
            return torch.empty(0, self.target.num_outputs)
        outputs = compute_logits(
            self.network,
            self.preprocessing,
            images,
            batch_size=batch_size,
            mirrored=self.preprocessing.mirrored,
        )
        return self.target.scaled(outputs)

    def judge(self, images: Images, *, batch_size: int | None = None) -> tuple[Tensor, NDArray[Any] | None]:
        """`logits` of images, and of each image the share of images like those of training that are as unlike
        them or more, float64 `(N,)`; None where that was not measured. From one pass through the network.
        """
        held_out = self.held_out
        if held_out is None or held_out.familiarity is None:
            return self.logits(images, batch_size=batch_size), None
        outputs, unlikeness = self._backbone.compute_answers(
            self.preprocessing, images, held_out.familiarity, batch_size
        )
        return self.target.scaled(outputs), held_out.likeness(unlikeness.numpy())

    @property
    def _backbone(self) -> Backbone:
        """Made once; anew where the network was moved to another device meanwhile."""
        known: Backbone | None = self.__dict__.get("_known_backbone")
        if known is None or not known.is_current:
            known = self.__dict__["_known_backbone"] = Backbone.of(self.network)
        return known

    def read(self, picture: Picture) -> Tensor:
        """One image file or picture -> uint8 `(C, H, W)`, as in training.

        Raises:
            BrokenImage: with its path and the reason in plain words.
        """
        try:
            return read_picture(picture, self.preprocessing, self.reading)
        except BrokenImage as broken:
            raise BrokenImage(f"{_name_of(picture)}: {broken}") from None

    def predict(self, pictures: Picture | Iterable[Picture]) -> Answers:
        """Classify image files, folders of them, or PIL images.

        In a folder, what training leaves out is left out, and so is a file that neither is an image nor is
        named like one. `predict_all` goes on where this stops.

        Raises:
            DataError: for a file that is not an image, naming it.
        """
        predictions = []
        for asked, answer in self._answers(pictures):
            if isinstance(answer, Prediction):
                predictions.append(answer)
            elif not asked.listed or looks_like_image(asked.name):
                raise BrokenImage(f"{answer.path}: {answer.reason}")
        return Answers(predictions, rests_on=self.held_out)

    def predict_all(self, pictures: Picture | Iterable[Picture]) -> Iterator[Prediction | Quarantined]:
        """As `predict`, one after the other: of what cannot be read, its path and the reason."""
        return (answer for _, answer in self._answers(pictures))

    def _answers(
        self, pictures: Picture | Iterable[Picture]
    ) -> Iterator[tuple[Asked, Prediction | Quarantined]]:
        waiting = asked_pictures(pictures)
        while asked := list(islice(waiting, PREDICT_CHUNK)):
            yield from zip(asked, self.answer(list(in_order(self.ready, asked))), strict=True)

    def ready(self, asked: Asked) -> Readied | Quarantined:
        """Decode one image; what cannot be read, with the reason."""
        if isinstance(asked.picture, Quarantined):
            return asked.picture
        try:
            pixels, faint = judge_picture(asked.picture, self.preprocessing, self.reading)
        except BrokenImage as broken:
            return Quarantined(asked.name, str(broken))
        return Readied(asked.name, pixels, faint)

    def answer(self, readied: Sequence[Readied | Quarantined]) -> list[Prediction | Quarantined]:
        """Classify what `ready` returned, together; what could not be read comes back as it is."""
        images = [each for each in readied if isinstance(each, Readied)]
        predictions = iter(
            self.predict_pixels([each.pixels for each in images], [each.name for each in images])
        )
        return [
            each if isinstance(each, Quarantined) else _with_faint(next(predictions), each.faint)
            for each in readied
        ]

    def predict_pixels(self, images: Sequence[Tensor], names: Sequence[str]) -> list[Prediction]:
        """Classify images that `read` returned, uint8 `(C, H, W)` each."""
        if not images:
            return []
        logits, likeness = self.judge(torch.stack(list(images)))
        answers = describe_outputs(self.target, logits, names)
        return compare_with_training(answers, images, self.held_out, likeness)

    def reading_up_to(self, max_pixels: int | None) -> Classifier:
        """The same classifier, but for images of up to `max_pixels`; None for what its run was told."""
        if max_pixels is None:
            return self
        if max_pixels < 1:
            raise UsageError(f"--max-pixels: {max_pixels} must be at least 1")
        return replace(self, reading=replace(self.reading, max_pixels=max_pixels))

    def __repr__(self) -> str:
        is_number = self.target.task == "regression"
        what = "a number" if is_number else some(len(self.class_names), "class", "classes")
        return f"Classifier({self.network_config.name}, {what}, images of {self._description.image})"

    def __str__(self) -> str:
        return aligned(self._lines)

    def _repr_html_(self) -> str:
        return box(title("Classifier"), labelled(self._lines))

    @property
    def _lines(self) -> list[tuple[str, ...]]:
        return self._description.lines(sum(each.numel() for each in self.network.parameters()))

    def to(self, device: torch.device | str) -> Classifier:
        """The same classifier, its network moved to a device."""
        self.network.to(device)
        return self

    @property
    def _description(self) -> Description:
        return Description(self.network_config, self.preprocessing, self.target, self.reading)

    def description(self) -> dict[str, Any]:
        """All but the weights, for JSON: enough to build the classifier again."""
        return self._description.to_dict()

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write `config.json`, `model.safetensors` and a model card, the layout that model hubs use.

        Raises:
            UsageError: when one of the three is there already and not to be overwritten.
            RunError: when the disk refuses.
        """
        folder = Path(folder)
        weights = dict(self.network.state_dict())
        write_classifier(folder, self._description, weights, self.held_out, overwrite=overwrite)
        return folder

    @staticmethod
    def load(path: Path | str, which: str = "final") -> Classifier:
        """A classifier from a run, or from a folder that `save` made.

        Args:
            path: the folder.
            which: of a run's checkpoints: `final` (what the run's figures were measured on), `last`, `best`,
                a step, or `untrained`.

        Raises:
            RunError: when the folder holds no classifier, no such checkpoint, or weights of another network.
        """
        return _from_stored(find_classifier(Path(path), which))

    @staticmethod
    def untrained(run: Run) -> Classifier:
        """The classifier as it was before the run's first step."""
        return Classifier.load(run.path, "untrained")


def _from_stored(stored: Stored) -> Classifier:
    """The described classifier, with the stored weights or those that it started training with."""
    description = stored.description
    classifier = Classifier.build(
        description.network,
        description.preprocessing,
        description.target,
        seed=stored.seed,
        pretrained_weights=stored.weights is None,
        reading=description.reading,
    )
    classifier = replace(classifier, held_out=stored.held_out)
    if stored.weights is None:
        return classifier
    try:
        classifier.network.load_state_dict(stored.weights)
    except RuntimeError as error:
        first = " ".join(str(error).splitlines()[1:2]).strip() or str(error)
        raise RunError(
            f"{stored.where}: the weights are not those of {description.network.name}: {first}"
        ) from None
    return classifier


def _with_faint(prediction: Prediction, faint: str) -> Prediction:
    return replace(prediction, faint=faint) if faint else prediction


def _name_of(picture: Picture) -> str:
    return "the image" if isinstance(picture, Image.Image | bytes) else shown(str(picture))
