"""All that training changes, and its way into a checkpoint and back, bit for bit."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from convscope.runs.checkpoints import Checkpoint
from convscope.training.objective import Figures, Score
from convscope.training.pacing.timetable import Timetable
from convscope.training.updating.averaging import WeightAverage
from convscope.training.updating.optimizers import flatten_state, restore_state

OPTIMIZER = "optimizer."
RAW = "raw."


@dataclass
class TrainingState:
    """Weights, their average, the optimizer's moments, and how far training is.

    The order of images, augmentation and dropout are functions of the seed and the step, so no random state
    belongs here.

    Attributes:
        network, optimizer, average: what an update changes.
        step: updates done; `seconds` of them.
        best, best_step, validations_since_best: the best validation so far, for early stopping.
        timetable: of a time budget, as last drawn; None where the steps are known beforehand.
        measured: validation figures at moments that have a name: `untrained`, `head`, `last`.
    """

    network: nn.Module
    optimizer: Optimizer
    average: WeightAverage | None = None
    step: int = 0
    seconds: float = 0.0
    best: Score | None = None
    best_step: int | None = None
    validations_since_best: int = 0
    timetable: Timetable | None = None
    measured: dict[str, Figures] = field(default_factory=dict)

    @property
    def classifier_network(self) -> nn.Module:
        """What the classifier uses: the average of the weights if there is one."""
        return self.network if self.average is None else self.average.network

    def note_validation(self, score: Score) -> bool:
        """Remember a validation; returns whether it is the best so far."""
        if self.best is None or score > self.best:
            self.best, self.best_step, self.validations_since_best = score, self.step, 0
            return True
        self.validations_since_best += 1
        return False

    def to_checkpoint(self) -> Checkpoint:
        """A snapshot."""
        training = {OPTIMIZER + name: tensor for name, tensor in flatten_state(self.optimizer).items()}
        if self.average is not None:
            training |= {RAW + name: tensor for name, tensor in self.network.state_dict().items()}
        return Checkpoint(
            step=self.step,
            network=dict(self.classifier_network.state_dict()),
            training=training,
            state={
                "seconds": self.seconds,
                "best": self.best,
                "best_step": self.best_step,
                "validations_since_best": self.validations_since_best,
                "timetable": None if self.timetable is None else self.timetable.to_dict(),
                "measured": {name: asdict(figures) for name, figures in self.measured.items()},
            },
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a snapshot of a state built alike."""
        self.classifier_network.load_state_dict(checkpoint.network)
        if self.average is not None:
            self.network.load_state_dict(_part(checkpoint.training, RAW))
        restore_state(self.optimizer, _part(checkpoint.training, OPTIMIZER))
        state = checkpoint.state
        self.step = checkpoint.step
        self.seconds = state["seconds"]
        self.best = _best_of(state)
        self.best_step = state["best_step"]
        self.validations_since_best = state["validations_since_best"]
        self.timetable = Timetable(**state["timetable"]) if state.get("timetable") else None
        self.measured = {name: Figures(**values) for name, values in state.get("measured", {}).items()}


def _best_of(state: dict[str, Any]) -> Score | None:
    """Version 0.1.0 kept the accuracy alone."""
    if "best_score" in state:
        return None if state["best_score"] is None else (state["best_score"], -math.inf)
    return tuple(state["best"]) if state["best"] is not None else None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
