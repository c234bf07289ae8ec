"""What a report is made of: a run folder, read whole, with all that may be missing from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.diagnosis.answers import answers
from convscope.diagnosis.finding import Finding
from convscope.diagnosis.of_run import SPLITS, kept_diagnosis
from convscope.diagnosis.rule import Diagnosis
from convscope.errors import RunError
from convscope.evaluation.held_out import read_held_out
from convscope.evaluation.predictions import Predictions, has_predictions, read_predictions
from convscope.report.page.embed import TYPES
from convscope.runs.folder import CHOICES, CONFIG, DATASET, ENVIRONMENT, LOOKED, SUMMARY, Run


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """The images that a picture's points stand for, on one file, in rows."""

    path: Path
    columns: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class LookPicture:
    """A picture that `convscope look` left in the run, with the question that it answers."""

    path: Path
    title: str
    question: str
    findings: tuple[str, ...]
    """What was found, each with what to do about it."""
    alt: str
    layer: str
    sprite: Sprite | None = None


@dataclass(frozen=True, kw_only=True)
class Material:
    """A run, read. What the run does not have is empty."""

    path: Path
    config: dict[str, Any]
    choices: Sequence[dict[str, Any]]
    environment: dict[str, Any]
    dataset: dict[str, Any]
    metrics: Sequence[dict[str, Any]]
    summary: dict[str, Any]
    predictions: dict[str, Predictions]
    thumbnails: dict[tuple[str, int], NDArray[np.uint8]]
    """By split and row in that split's predictions: uint8 (H, W, C)."""
    look: Sequence[LookPicture]
    diagnosis: Diagnosis | None = None

    @property
    def is_regression(self) -> bool:
        """Whether the network answers with a number."""
        return self.dataset.get("task") == "regression"

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the class indices."""
        return tuple(str(name) for name in self.dataset.get("class_names") or ())

    @property
    def judged(self) -> Predictions | None:
        """The predictions that the report speaks of: the test split's, or else the validation split's."""
        return next((self.predictions[split] for split in SPLITS if split in self.predictions), None)

    @property
    def findings(self) -> list[Finding]:
        """What a reader must know before believing the figures; all of a diagnosis, where one was made."""
        if self.diagnosis is not None:
            return list(self.diagnosis.findings)
        return [] if self.judged is None else answers(self.judged)


def read_material(run_path: Path) -> Material:
    """Read everything that a report shows.

    Raises:
        RunError: when the folder is not a run, or a file in it is damaged.
    """
    run = Run.open(run_path)
    predictions = _predictions(run)
    return Material(
        path=run.path,
        config=_optional(run, CONFIG, {}),
        choices=_optional(run, CHOICES, []),
        environment=_optional(run, ENVIRONMENT, {}),
        dataset=_optional(run, DATASET, {}),
        metrics=run.metrics(),
        summary=_optional(run, SUMMARY, {}),
        predictions={split: found for split, found in predictions.items() if _usable(found)},
        thumbnails=_thumbnails(run),
        look=_look(run),
        diagnosis=kept_diagnosis(run),
    )


def _optional(run: Run, name: str, otherwise: Any) -> Any:
    return run.read(name) if run.has(name) else otherwise


def _predictions(run: Run) -> dict[str, Predictions]:
    """By split; of a cross-validated run the answers to the images held out from its folds, as test."""
    if _optional(run, SUMMARY, {}).get("folds") is not None:
        try:
            return {"test": read_held_out(run)}
        except RunError:  # a run that came without its folds still has their mean
            return {}
    return {split: read_predictions(run, split) for split in SPLITS if has_predictions(run, split)}


def _usable(found: Predictions) -> bool:
    # A run that diverged may have left logits that are no numbers: its curves tell that story.
    return len(found.labels) > 0 and bool(np.isfinite(found.logits).all())


def _thumbnails(run: Run) -> dict[tuple[str, int], NDArray[np.uint8]]:
    if not run.has("predictions/images.npz"):
        return {}
    arrays = run.read_arrays("predictions/images.npz")
    places = zip(arrays["split"].tolist(), arrays["index"].tolist(), strict=True)
    return {
        (str(split), int(index)): image
        for (split, index), image in zip(places, arrays["images"], strict=True)
    }


def _look(run: Run) -> list[LookPicture]:
    pictures = []
    for entry in _optional(run, LOOKED, []):
        path = run.path / "look" / Path(str(entry["file"])).name
        if path.is_file() and path.suffix.lower() in TYPES:
            pictures.append(
                LookPicture(
                    path=path,
                    title=str(entry.get("title", path.stem)),
                    question=str(entry.get("question", "")),
                    findings=_findings(entry),
                    alt=str(entry.get("alt", entry.get("title", path.stem))),
                    layer=str(entry.get("layer") or ""),
                    sprite=_sprite(run, entry.get("sprite")),
                )
            )
    return pictures


def _sprite(run: Run, said: dict[str, Any] | None) -> Sprite | None:
    """The images of a plane's points, where the look kept them."""
    if not said:
        return None
    path = run.path / "look" / Path(str(said["file"])).name
    width, height = (int(side) for side in said["size"])
    if not path.is_file():
        return None
    return Sprite(path=path, columns=int(said["columns"]), width=width, height=height)


def _findings(entry: dict[str, Any]) -> tuple[str, ...]:
    """The findings of a picture; pictures of before there were findings have a line of text."""
    if "findings" in entry:
        return tuple(str(Finding.from_dict(finding)) for finding in entry["findings"])
    return (str(entry["finding"]),) if entry.get("finding") else ()
