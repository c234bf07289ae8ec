"""What is due when: every so many steps, and at the end."""

from dataclasses import dataclass

from convscope.config.resolved import ResolvedTraining

RECORDS_PER_EPOCH = 5
MOST_RECORDS = 200


@dataclass(frozen=True)
class Every:
    """Due after every `steps` updates, and at the end; never, where `steps` is None."""

    steps: int | None

    def is_due(self, step: int, *, at_end: bool) -> bool:
        """Whether it is due once `step` updates are done."""
        return self.steps is not None and (at_end or step % self.steps == 0)


@dataclass(frozen=True)
class Cadence:
    """How often a training writes a record, validates, saves, and looks at its layers' values."""

    record: Every
    validation: Every
    checkpoint: Every
    histograms: Every

    @staticmethod
    def of(training: ResolvedTraining, steps_per_epoch: int, total_steps: int) -> "Cadence":
        """As configured; else five records an epoch and 200 in all, the others once an epoch."""
        rare = max(1, steps_per_epoch // RECORDS_PER_EPOCH, total_steps // MOST_RECORDS)
        return Cadence(
            record=Every(training.record_every or rare),
            validation=Every(training.validate_every or steps_per_epoch),
            checkpoint=Every(training.checkpoint_every or steps_per_epoch),
            histograms=Every(training.record_histograms),
        )
