"""The training loop, readable from top to bottom."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.config.asked import TrainingConfig
from convscope.data.augmentation import Augmentation
from convscope.data.batches import derive_seed, epoch_batches
from convscope.data.batches import steps_per_epoch as count_steps
from convscope.data.dataset import Dataset
from convscope.data.preprocessing import Preprocessing
from convscope.errors import InterruptedTrainingError
from convscope.runs.checkpoints import prune_checkpoints, save_checkpoint
from convscope.runs.folder import Run
from convscope.runs.records import Record, append_record
from convscope.training.batch_statistics import (
    MOST_IMAGES,
    layers_that_follow_batches,
    measure_batch_statistics,
)
from convscope.training.fine_tuning import set_training_mode
from convscope.training.guard import FiniteGuard, gradient_norm
from convscope.training.histograms import histogram_record
from convscope.training.interruption import Interruption
from convscope.training.objective import Objective
from convscope.training.optimizers import set_learning_rate
from convscope.training.progress import Progress
from convscope.training.schedules import learning_rate_factor
from convscope.training.state import TrainingState

RECORDS_PER_EPOCH = 5
MOST_RECORDS = 200
LARGEST_SAMPLE = 5_000


@dataclass(frozen=True, eq=False)
class Loop:
    """One training: what moves (`state`), what it sees, and where it is written down.

    Attributes:
        config: resolved; `batch_size`, `learning_rate`, `schedule` and so on are set.
        total_steps: the length of the whole training, resumed parts included.
        sampling_weights: `(N,)`, how often each training image is drawn; None for once per epoch.
        deadline: on `time.perf_counter`; steps end there at the latest.
    """

    run: Run
    config: TrainingConfig
    seed: int
    state: TrainingState
    dataset: Dataset
    preprocessing: Preprocessing
    augmentation: Augmentation
    objective: Objective
    device: torch.device
    precision: torch.dtype
    total_steps: int
    progress: Progress
    sampling_weights: Tensor | None = None
    deadline: float | None = None

    def train(self) -> None:
        """Take all steps that are left.

        Raises:
            DivergedError: at the first number that is not finite; the last good checkpoint stays.
            InterruptedTrainingError: after Ctrl-C or SIGTERM, with the state saved.
            RunError: when a checkpoint cannot be written.
        """
        state = self.state
        guard = FiniteGuard(state.network, self.device)
        try:
            with Interruption() as interruption, torch.random.fork_rng():
                clock = Clock(state.seconds)
                for indices in () if self._stops_early() else self._batches_left():
                    loss, accuracy = self.step(indices, guard)
                    state.seconds = clock.seconds()
                    self.progress.on_step(state.step, len(indices))
                    if self._is_due(state.step, self._record_every):
                        guard.check(state.step, self._learning_rate(state.step - 1))
                        self._record(
                            "batch", loss, accuracy, images_per_second=clock.rate(state.step, len(indices))
                        )
                    if self._histograms_are_due():
                        self._record_histograms()
                    is_best = self._validation_is_due() and self._measure()
                    if is_best or self._checkpoint_is_due() or interruption.requested:
                        guard.check(state.step, self._learning_rate(state.step - 1))
                        self.save(is_best=is_best)
                    if interruption.requested:
                        raise InterruptedTrainingError(
                            f"stopped after step {state.step} of {self.total_steps}; everything is saved.\n"
                            f"Go on with: convscope train --resume {self.run.path}"
                        )
                    if self._stops_early():
                        break
                    if self.deadline is not None and time.perf_counter() > self.deadline:
                        self.save(is_best=self._measure())
                        break
                state.seconds = clock.seconds()
                if not (self.run.checkpoint_folder / "last").exists():
                    self.save(is_best=False)
        finally:
            self.progress.on_end()

    def record_start(self) -> None:
        """Record what the network is worth before its first step."""
        self._measure()
        if self.config.record_histograms is not None:
            self._record_histograms()

    def step(self, indices: Tensor, guard: FiniteGuard) -> tuple[Tensor, float | None]:
        """One optimizer update."""
        state = self.state
        learning_rate = self._learning_rate(state.step)
        images, labels = self._augmented(indices)
        torch.manual_seed(derive_seed(self.seed, "step", state.step))  # what dropout draws from
        set_training_mode(state.network, frozen_statistics=bool(self.config.frozen_statistics))
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            outputs = state.network(images)
        loss = self.objective.loss(outputs.float(), labels)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(state.network)
        guard.watch(state.step + 1, loss, norm, images, learning_rate)
        if self.config.clip_gradient is not None:
            torch.nn.utils.clip_grads_with_norm_(state.network.parameters(), self.config.clip_gradient, norm)
        set_learning_rate(state.optimizer, learning_rate)
        state.optimizer.step()
        state.step += 1
        if state.average is not None:
            state.average.update(state.network, state.step)
        due = self._is_due(state.step, self._record_every)
        return loss.detach(), self.objective.accuracy(outputs.detach(), labels) if due else None

    def _augmented(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Training images as the network sees them in this step, and their targets."""
        train = self.dataset.train
        images, labels = self.augmentation.apply(
            train.images[indices].to(self.device),
            train.labels[indices].to(self.device),
            num_classes=self.objective.target.num_outputs,
            seed=self.seed,
            step=self.state.step,
        )
        return self.preprocessing.standardise(images, in_place=True), labels

    def _batches_left(self) -> Iterator[Tensor]:
        """The indices of every step that is still to be taken."""
        per_epoch = self.steps_per_epoch
        while self.state.step < self.total_steps:
            epoch, done = divmod(self.state.step, per_epoch)
            batches = epoch_batches(
                len(self.dataset.train),
                self.batch_size,
                seed=self.seed,
                epoch=epoch,
                weights=self.sampling_weights,
            )
            yield from batches[done : done + self.total_steps - self.state.step]

    def _record_histograms(self) -> None:
        images, _ = self._training_sample()
        record = histogram_record(self.state.network, self.preprocessing, images, self.state.step)
        append_record(self.run.histograms_path, record)

    def _measure(self) -> bool:
        """Record loss and accuracy; returns whether this validation is the best so far."""
        is_best = False
        for split, (loss, accuracy) in self.measure_splits().items():
            self._record(split, loss, accuracy)
            if split == "validation" and self.state.step:
                is_best = self.state.note_validation(-loss if accuracy is None else accuracy)
        return is_best

    def measure_splits(self) -> dict[str, tuple[float, float | None]]:
        """Loss and accuracy of validation and of a fixed part of training, both in evaluation mode."""
        if self.state.step:
            self._measure_batch_statistics()
        validation = self.dataset.validation
        samples = {"train": self._training_sample(), "validation": (validation.images, validation.labels)}
        network = self.state.classifier_network
        return {
            split: self.objective.measure(network, self.preprocessing, images, labels)
            for split, (images, labels) in samples.items()
            if len(labels)
        }

    def _measure_batch_statistics(self) -> None:
        set_training_mode(self.state.network, frozen_statistics=bool(self.config.frozen_statistics))
        layers = layers_that_follow_batches(self.state.network)
        if not layers:
            return
        epoch = self.state.step // self.steps_per_epoch
        batches = epoch_batches(len(self.dataset.train), self.batch_size, seed=self.seed, epoch=epoch)
        some = batches[: max(1, MOST_IMAGES // self.batch_size)]
        images = (self._augmented(indices)[0] for indices in some)
        measure_batch_statistics(self.state.classifier_network, layers, images)

    def _training_sample(self) -> tuple[Tensor, Tensor]:
        """About as many training images as there are for validation, always the same: a view, not a copy."""
        train = self.dataset.train
        count = min(len(train), max(len(self.dataset.validation), 100), LARGEST_SAMPLE)
        stride = -(-len(train) // max(1, count))
        return train.images[::stride], train.labels[::stride]

    def _record(
        self, split: str, loss: Tensor | float, accuracy: float | None, images_per_second: float | None = None
    ) -> None:
        record: Record = {
            "step": self.state.step,
            "epoch": round(self.state.step / self.steps_per_epoch, 4),
            "split": split,
            "loss": float(loss),
            "accuracy": accuracy,
            "learning_rate": self._learning_rate(max(0, self.state.step - 1)),
            "images_per_second": images_per_second,
            "seconds": round(self.state.seconds, 3),
        }
        append_record(self.run.metrics_path, record)
        self.progress.on_record(record)

    def save(self, *, is_best: bool) -> None:
        """Write a checkpoint of the state as it is."""
        save_checkpoint(self.run.checkpoint_folder, self.state.to_checkpoint(), is_best=is_best)
        prune_checkpoints(self.run.checkpoint_folder, self.config.keep_checkpoints)

    def _learning_rate(self, step: int) -> float:
        assert self.config.learning_rate is not None
        assert self.config.schedule is not None
        factor = learning_rate_factor(self.config.schedule, step, self.total_steps, self.config.warmup)
        return self.config.learning_rate * factor

    @property
    def batch_size(self) -> int:
        """Images per step."""
        assert self.config.batch_size is not None
        return self.config.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every training image is seen once."""
        return count_steps(len(self.dataset.train), self.batch_size)

    @property
    def _record_every(self) -> int:
        rare = max(self.steps_per_epoch // RECORDS_PER_EPOCH, self.total_steps // MOST_RECORDS)
        return self.config.record_every or max(1, rare)

    def _is_due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.total_steps

    def _validation_is_due(self) -> bool:
        return self._is_due(self.state.step, self.config.validate_every or self.steps_per_epoch)

    def _checkpoint_is_due(self) -> bool:
        return self._is_due(self.state.step, self.config.checkpoint_every or self.steps_per_epoch)

    def _histograms_are_due(self) -> bool:
        every = self.config.record_histograms
        return every is not None and self._is_due(self.state.step, every)

    def _stops_early(self) -> bool:
        patience = self.config.early_stopping
        return patience is not None and self.state.validations_since_best >= patience


class Clock:
    """Seconds of training, earlier parts of a resumed run included, and images per second."""

    def __init__(self, seconds_before: float) -> None:
        self._start = time.perf_counter() - seconds_before
        self._mark: tuple[float, int] | None = None

    def seconds(self) -> float:
        """Since the first step of the run."""
        return time.perf_counter() - self._start

    def rate(self, step: int, batch_size: int) -> float | None:
        """Images per second since the last call; None at the first."""
        now, mark = time.perf_counter(), self._mark
        self._mark = (now, step)
        return None if mark is None else round((step - mark[1]) * batch_size / (now - mark[0]), 1)
