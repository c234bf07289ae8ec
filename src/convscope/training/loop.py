"""The training loop, readable from top to bottom."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor

from convscope.classifier.logits import compute_logits, evaluation_mode
from convscope.data.batches import epoch_batches, steps_per_epoch
from convscope.data.dataset import ImageRows
from convscope.errors import InterruptedTrainingError
from convscope.runs.advice import go_on
from convscope.runs.checkpoints import prune_checkpoints, save_checkpoint
from convscope.runs.folder import Run
from convscope.runs.records import Record, append_record
from convscope.training.convolving.fast import Fast
from convscope.training.device import fork_random_state
from convscope.training.fine_tuning.features import head_outputs
from convscope.training.fine_tuning.stages import set_training_mode
from convscope.training.objective import Figures
from convscope.training.outcome.histograms import histogram_record
from convscope.training.pacing.budget import Budget
from convscope.training.pacing.cadence import Cadence
from convscope.training.pacing.clock import Clock
from convscope.training.pacing.forecast import Forecast
from convscope.training.pacing.interruption import Interruption
from convscope.training.pacing.timetable import Timetable
from convscope.training.preparation import Job, build_judging, build_step, sampling_weights
from convscope.training.state import TrainingState
from convscope.training.step import TrainingStep
from convscope.training.updating.batch_statistics import (
    MOST_IMAGES,
    layers_that_follow_batches,
    measure_batch_statistics,
)
from convscope.training.updating.guard import FiniteGuard
from convscope.training.updating.schedules import learning_rate_factor

LARGEST_SAMPLE = 2_000
"""Training images that are measured at each validation: an accuracy of 90 % is then known to 1.3 points,
which is what a curve needs."""


@dataclass(eq=False)
class Loop:
    """One training: what moves (`state`), when what is due, and where it is written down.

    Attributes:
        run: where records and checkpoints go.
        timetable: how many steps, resumed parts included, and where each stands on the schedule.
        budget: draws the timetable anew as time goes by; None where the number of steps was asked for.
        seen: the step at which what was due was last done, and
        saved: the step of the last checkpoint.
    """

    run: Run
    job: Job
    state: TrainingState
    timetable: Timetable
    budget: Budget | None = None
    seen: int | None = None
    saved: int | None = None
    step: TrainingStep = field(init=False)
    sampling_weights: Tensor | None = field(init=False)
    judging: Fast = field(init=False)
    guard: FiniteGuard = field(init=False)

    def __post_init__(self) -> None:
        self.step = build_step(self.job, self.job.config.seed)
        self.sampling_weights = sampling_weights(self.job)
        self.judging = build_judging(self.job, self.state.classifier_network)
        self.guard = FiniteGuard(self.state.network, self.job.device)

    def train(self) -> None:
        """Take all steps that are left. Before the first, after each and after the last, see what is due.

        Raises:
            DivergedError: at the first number that is not finite; the last good checkpoint stays.
            InterruptedTrainingError: after Ctrl-C or a signal to stop, with the state saved.
            RunError: when a checkpoint cannot be written.
        """
        state, progress = self.state, self.job.progress
        clock, batches, images = Clock(state.seconds), self._batches_left(), 0
        forecast = Forecast(self._cadence.validation)
        with Interruption() as interruption, fork_random_state(self.job.device):
            while True:
                is_over = self._is_over()
                if self.seen != state.step:
                    with clock.paused():
                        self._see_what_is_due(is_over)
                if is_over or self.has_stopped_early():
                    break
                if interruption.requested:
                    raise self._interrupted()
                indices = next(batches)
                loss, outputs, targets = self.step.take(state, indices, self.learning_rate(), self._watch)
                state.seconds, images = clock.seconds(), images + len(indices)
                progress.on_step(state.step, len(indices))
                if self.budget is not None:
                    self._keep_to(self.budget, clock)
                elif told := forecast.after_step(*self._position(), clock.longest_pause):
                    progress.on_choice(told)
                if self._cadence.record.is_due(state.step, at_end=self._is_over()):
                    accuracy = self.step.objective.accuracy(outputs, targets)
                    self._check_finite()
                    rate = clock.images_per_second(images)
                    self._record("batch", Figures(loss.item(), accuracy), images_per_second=rate)

    def measure(self, *, head_alone: bool = False) -> dict[str, Figures]:
        """Record loss and accuracy of validation and of a fixed part of training, both in evaluation mode.

        With `head_alone`, from a pretrained backbone's features, which are computed once.
        """
        found = self.measure_splits(head_alone=head_alone)
        for split, figures in found.items():
            self._record(split, figures)
        return found

    def measure_splits(self, *, head_alone: bool = False) -> dict[str, Figures]:
        """The same, not recorded."""
        if self.state.step:
            self._measure_batch_statistics()
        validation = self.job.dataset.validation
        samples: dict[str, tuple[ImageRows, Tensor]] = {
            "train": self._training_sample(),
            "validation": (validation.images, validation.labels),
        }
        network, preprocessing = self.state.classifier_network, self.step.preprocessing
        outputs_of = head_outputs if head_alone else compute_logits
        with evaluation_mode(network), self.judging:
            return {
                split: self.step.objective.judge(outputs_of(network, preprocessing, images), labels)
                for split, (images, labels) in samples.items()
                if len(labels)
            }

    def record_histograms(self) -> None:
        """How the values of each layer are spread now."""
        images, _ = self._training_sample()
        record = histogram_record(self.state.network, self.step.preprocessing, images, self.state.step)
        append_record(self.run.histograms_path, record)

    def save(self, *, is_best: bool = False) -> None:
        """Write a checkpoint of the state as it is.

        Raises:
            DivergedError: when it is not finite.
        """
        self._check_finite()
        save_checkpoint(self.run.checkpoint_folder, self.state.to_checkpoint(), is_best=is_best)
        prune_checkpoints(self.run.checkpoint_folder, self.job.config.training.keep_checkpoints)
        self.saved = self.state.step

    def epoch(self, number: int, weights: Tensor | None = None) -> tuple[Tensor, ...]:
        """The indices of each step of an epoch (from 0); of all images alike, or drawn by weights."""
        count, size = len(self.job.dataset.train), self.step.config.batch_size
        return epoch_batches(count, size, seed=self.job.config.seed, epoch=number, weights=weights)

    def _see_what_is_due(self, is_over: bool) -> None:
        """Measure, and save: what is due after this step, everything at the end."""
        step, is_best = self.state.step, False
        if self._cadence.histograms.is_due(step, at_end=is_over):
            self.record_histograms()
        if self._cadence.validation.is_due(step, at_end=is_over):
            is_best = self._validate()
        is_over = is_over or self.has_stopped_early()
        if is_best or is_over or (step and self._cadence.checkpoint.is_due(step, at_end=is_over)):
            self.save(is_best=is_best)
        self.seen = step

    def _validate(self) -> bool:
        """Measure; whether this validation is the best so far."""
        validation = self.measure().get("validation")
        if validation is None:
            return False
        self.state.measured["last" if self.state.step else "untrained"] = validation
        return self.state.step > 0 and self.state.note_validation(validation.score)

    def _measure_batch_statistics(self) -> None:
        set_training_mode(self.state.network, frozen_statistics=self.step.config.frozen_statistics)
        layers = layers_that_follow_batches(self.state.network)
        if not layers:
            return
        batches = self.epoch(self.state.step // self.steps_per_epoch)
        some = batches[: max(1, MOST_IMAGES // self.step.config.batch_size)]
        images = (self.step.batch(indices, self.state.step)[0] for indices in some)
        measure_batch_statistics(self.state.classifier_network, layers, images)

    def _training_sample(self) -> tuple[ImageRows, Tensor]:
        """About as many training images as there are for validation, always the same: a view, not a copy."""
        train = self.job.dataset.train
        count = min(len(train), max(len(self.job.dataset.validation), 100), LARGEST_SAMPLE)
        stride = -(-len(train) // max(1, count))
        return train.images.take(slice(None, None, stride)), train.labels[::stride]

    def _batches_left(self) -> Iterator[Tensor]:
        """The indices of step after step, from the one at hand on."""
        while True:
            epoch, done = divmod(self.state.step, self.steps_per_epoch)
            yield from self.epoch(epoch, self.sampling_weights)[done:]

    def _watch(self, loss: Tensor, norm: Tensor, images: Tensor) -> None:
        self.guard.watch(self.state.step + 1, loss, norm, images, self.learning_rate())

    def _check_finite(self) -> None:
        self.guard.check(self.state.step, self.learning_rate(max(0, self.state.step - 1)))

    def _record(self, split: str, figures: Figures, images_per_second: float | None = None) -> None:
        step = self.state.step
        record: Record = {
            "step": step,
            "epoch": round(step / self.steps_per_epoch, 4),
            "split": split,
            "loss": figures.loss,
            "accuracy": figures.accuracy,
            "learning_rate": self.learning_rate(max(0, step - 1)),
            "images_per_second": images_per_second,
            "seconds": round(self.state.seconds, 3),
            "images": self._judged_images(split),
        }
        append_record(self.run.metrics_path, record)
        self.job.progress.on_record(record)

    def _judged_images(self, split: str) -> int:
        """How many a record's figures are of."""
        if split == "train":
            return len(self._training_sample()[1])
        return len(self.job.dataset.validation) if split == "validation" else self.step.config.batch_size

    def learning_rate(self, step: int | None = None) -> float:
        """Of a step (from 0); of the next one where none is given."""
        training = self.step.config
        position = self.timetable.position(self.state.step if step is None else step)
        factor = learning_rate_factor(training.schedule, position, self.timetable.planned, training.warmup)
        return training.learning_rate * factor

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every training image is seen once."""
        return steps_per_epoch(len(self.job.dataset.train), self.step.config.batch_size)

    @property
    def _cadence(self) -> Cadence:
        return Cadence.of(self.step.config, self.steps_per_epoch, self.timetable.planned)

    def _position(self) -> tuple[int, float, int]:
        """Steps done, seconds that they took, and steps in all."""
        return self.state.step, self.state.seconds, self.timetable.total

    def _keep_to(self, budget: Budget, clock: Clock) -> None:
        before = self.timetable.total
        self.timetable = budget.adjust(self.timetable, self.state.step, ending=clock.longest_pause)
        self.state.timetable = self.timetable
        if self.timetable.total != before:
            self.job.progress.on_total(self.timetable.total)

    def _is_over(self) -> bool:
        late = self.budget is not None and self.budget.is_spent()
        return self.state.step >= self.timetable.total or (late and self.state.step > 0)

    def has_stopped_early(self) -> bool:
        """Whether the last validations were not better than the best, as often as is waited for."""
        patience = self.step.config.early_stopping
        return patience is not None and self.state.validations_since_best >= patience

    def _interrupted(self) -> InterruptedTrainingError:
        if self.saved != self.state.step:
            self.save()
        return InterruptedTrainingError(
            f"stopped after step {self.state.step} of {self.timetable.total}; everything is saved.\n"
            f"{go_on(self.run.path)}"
        )
