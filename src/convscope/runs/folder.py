"""A run: one training folder, the only bridge between training and everything after it."""

from __future__ import annotations

import io
import itertools
import json
import os
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convscope.config.asked import ExperimentConfig
from convscope.config.experiment_file import experiment_to_dict
from convscope.config.resolved import ResolvedData, ResolvedExperiment, resolved_from_dict
from convscope.data.sources.opening import is_named
from convscope.errors import RunError, UsageError
from convscope.runs import atomic, records
from convscope.runs.advice import go_on, refused_by_disk, resume_command
from convscope.runs.checkpoint_names import BEST, FINAL, HEAD, LAST, read_names, write_names
from convscope.runs.checkpoints import Checkpoint, checkpoint_name, find_checkpoint, load_checkpoint
from convscope.runs.names import check_name, named_alike, next_number, stem_of
from convscope.wording import command, here

CONFIG = "config.json"
CHOICES = "choices.json"
ENVIRONMENT = "environment.json"
SUMMARY, DIAGNOSIS, LOOKED = "summary.json", "diagnosis.json", "look/index.json"
DATASET = "dataset.json"
NETWORK, HELD_OUT = "network.json", "held_out.safetensors"
STEP_BY_STEP = "step_by_step.json"
CORRECTIONS, DESCRIPTION = "corrections.csv", "classifier.json"


@dataclass(frozen=True)
class Run:
    """A run folder, opened. Reads on demand; all its writing is atomic."""

    path: Path

    @staticmethod
    def create(
        parent: Path,
        config: ExperimentConfig,
        *,
        data_name: str,
        name: str | None = None,
        files: dict[str, Any] | None = None,
    ) -> Run:
        """Make a run folder that holds its configuration and what else is known from the start.

        It appears whole or not at all: whoever is killed before leaves nothing that looks like a run.

        Args:
            parent: where runs are.
            config: the resolved configuration.
            data_name: the run is called `<data>-<network>-<number>` unless it is given a `name`.
            files: JSON files by name.

        Raises:
            UsageError: when a run cannot have that name, or one has: runs are never overwritten silently.
            RunError: when the disk refuses.
        """
        if name is not None:
            check_free(parent, name)
        stem = stem_of(data_name, str(config.network.name)) if name is None else name
        contents = {CONFIG: experiment_to_dict(config), **(files or {})}
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for number in itertools.count(next_number(parent, stem)):
                path = parent / (stem if name is not None else f"{stem}-{number}")
                with suppress(FileExistsError):
                    with atomic.fresh_folder(path) as writer:
                        for file_name, values in contents.items():
                            writer.write(file_name, _to_json(values))
                    return Run(path)
                if name is not None:
                    raise UsageError(_taken(path))
        except OSError as error:
            raise RunError(f"{parent / stem} cannot be made: {error.strerror or error}") from error
        raise AssertionError("numbers do not end")

    @staticmethod
    def open(path: Path | str) -> Run:
        """An existing run.

        Raises:
            RunError: when the folder is not a run.
        """
        path = Path(path)
        if not path.is_dir():
            raise RunError(f"{path} does not exist.{named_alike(path)} Runs are listed by: convscope runs")
        if not (path / CONFIG).is_file():
            made_first = {CHOICES, ENVIRONMENT}  # by version 0.1.0
            if made_first & {each.name for each in path.iterdir()}:
                raise RunError(
                    f"{here(path)} holds no training: it was stopped before it began.\n"
                    "Remove the folder, and start it anew with: convscope train DATA"
                )
            raise RunError(f"{path} is not a run: it has no {CONFIG}. Runs are listed by: convscope runs")
        return Run(path)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def checkpoint_folder(self) -> Path:
        """Where the checkpoints are."""
        return self.path / "checkpoints"

    @property
    def metrics_path(self) -> Path:
        """One JSON document a line: the record of training."""
        return self.path / "metrics.jsonl"

    @property
    def histograms_path(self) -> Path:
        """One JSON document a line: the spread of each layer's values, where it was asked for."""
        return self.path / "histograms.jsonl"

    @property
    def config(self) -> ResolvedExperiment:
        """The resolved configuration.

        Raises:
            RunError: when this version cannot read it.
        """
        try:
            return resolved_from_dict(self.read(CONFIG))
        except UsageError as error:
            raise RunError(f"{self.path / CONFIG}: {error}") from None

    @property
    def data(self) -> ResolvedData:
        """Where its images are, seen from here: a relative path counts from where the run was made.

        A path that leads to nothing there, because all was moved together, counts from the working folder;
        corrections of labels are those that the run keeps.
        """
        data, kept = self.config.data, str(self.path / CORRECTIONS)
        data = replace(data, corrections=kept) if self.has(CORRECTIONS) else data
        values = self.read(ENVIRONMENT) if self.has(ENVIRONMENT) else None
        began = values.get("working_folder") if isinstance(values, dict) else None
        if not isinstance(began, str) or is_named(data.source):
            return data
        place = Path(began) / Path(data.source).expanduser()
        return replace(data, source=str(place)) if place.exists() and place != Path(data.source) else data

    def summary(self) -> dict[str, Any] | None:
        """The final figures; None of a run that is not finished.

        Raises:
            RunError: when they are damaged.
        """
        if not self.has(SUMMARY):
            return None
        summary = self.read(SUMMARY)
        if not isinstance(summary, dict):
            raise RunError(f"{here(self.path / SUMMARY)} is damaged: it holds no figures")
        return summary

    def kept_checkpoint(self) -> Path:
        """The folder of the checkpoint that the run's figures are measured on: the one that training kept.

        Of a run that is not finished, the best if training may stop early, else the last.

        Raises:
            RunError: when there is none, or it is gone: no other is taken in its place.
        """
        folder = self.checkpoint_folder
        names, summary = read_names(folder), self.summary()
        if FINAL in names:
            return find_checkpoint(folder, FINAL)
        stops_early = self.config.training.early_stopping is not None
        if summary is None:
            return find_checkpoint(folder, BEST if stops_early and BEST in names else LAST)
        kept = summary.get("checkpoint", BEST if stops_early else LAST)
        if kept in names and kept != LAST:
            return find_checkpoint(folder, kept)
        step = {LAST: summary.get("steps"), BEST: summary.get("best_step"), HEAD: 0}.get(kept)
        if not isinstance(step, int):
            raise RunError(
                f"{here(self.path)}: which checkpoint it kept is not known any more, for its "
                "checkpoints/names.json is lost. Name one, as in --checkpoint last"
            )
        return find_checkpoint(folder, checkpoint_name(step))

    def reopen(self) -> None:
        """Forget how a run ended that goes on beyond its end: its figures, what was kept, and learned of it.

        Raises:
            RunError: when the disk refuses.
        """
        names = read_names(self.checkpoint_folder)
        try:
            if names.pop(FINAL, None) is not None:
                write_names(self.checkpoint_folder, names)
            for name in (SUMMARY, HELD_OUT, DIAGNOSIS, LOOKED, STEP_BY_STEP):  # of weights that go on
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{here(self.path)} cannot be gone on with: {error.strerror or error}") from error

    def write_config(self, config: ExperimentConfig) -> None:
        """Keep the resolved configuration."""
        self.write(CONFIG, experiment_to_dict(config))

    def metrics(self) -> list[records.Record]:
        """All whole records so far."""
        return records.read_records(self.metrics_path)

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        return (self.path / name).is_file()

    def read(self, name: str) -> Any:
        """A JSON file of the run.

        Raises:
            RunError: when it is absent (training has not got so far) or damaged.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{self.path} has no {name}: training did not get so far. "
                f"Go on with: {resume_command(self.path)}"
            ) from None
        except (ValueError, OSError) as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from None

    def write(self, name: str, values: Any) -> None:
        """Keep a JSON file, whole or not at all."""
        self.write_bytes(name, _to_json(values))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Keep any file, whole or not at all.

        Raises:
            RunError: when the disk refuses.
        """
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_file(path, content)
        except OSError as error:
            raise RunError(f"{refused_by_disk(path, error)}.\n{go_on(self.path, error)}") from error

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of an `.npz` file; never a pickle.

        Raises:
            RunError: when it is absent or damaged.
        """
        try:
            with (self.path / name).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            make = command("convscope", "evaluate", self.path)
            raise RunError(f"{here(self.path)} has no {name}. Make it with: {make}") from None
        except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from None

    def write_arrays(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays as a compressed `.npz`."""
        np.savez_compressed(buffer := io.BytesIO(), allow_pickle=False, **arrays)
        self.write_bytes(name, buffer.getvalue())

    def checkpoint(self, which: str = "last") -> Checkpoint:
        """A whole checkpoint: `last`, `best`, a step number or a name."""
        return load_checkpoint(self.checkpoint_folder, which)


def check_free(parent: Path, name: str) -> None:
    """Refuse a name that a new run in `parent` cannot have, before anything is loaded for it.

    Raises:
        UsageError: with the reason; also when there is something of that name already.
    """
    check_name(name)
    if os.path.lexists(parent / name):
        raise UsageError(_taken(parent / name))


def _taken(path: Path) -> str:
    if (path / CONFIG).is_file():
        return f"{path} exists already. Choose another --name, or go on with it: {resume_command(path)}"
    return f"{path} exists already, and is not a run. Choose another --name, or remove it"


def _to_json(values: Any) -> bytes:
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    # A path may hold bytes that are no text; what stands for them is escaped as JSON escapes it.
    return text.encode(errors="backslashreplace")
