"""All that training changes, and its way into a checkpoint and back, bit for bit."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from convscope.runs.checkpoints import Checkpoint
from convscope.training.averaging import WeightAverage
from convscope.training.optimizers import flatten_state, restore_state

OPTIMIZER = "optimizer."
RAW = "raw."


@dataclass
class TrainingState:
    """Weights, their average, the optimizer's moments, and how far training is.

    The order of images, augmentation and dropout are functions of the seed and the step, so no random state
    belongs here.
    """

    network: nn.Module
    optimizer: Optimizer
    average: WeightAverage | None = None
    step: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_step: int | None = None
    validations_since_best: int = 0

    @property
    def classifier_network(self) -> nn.Module:
        """What the classifier uses: the average of the weights if there is one."""
        return self.network if self.average is None else self.average.network

    def note_validation(self, score: float) -> bool:
        """Remember a validation, higher is better; returns whether it is the best so far."""
        if self.best_score is None or score > self.best_score:
            self.best_score, self.best_step, self.validations_since_best = score, self.step, 0
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
                "best_score": self.best_score,
                "best_step": self.best_step,
                "validations_since_best": self.validations_since_best,
            },
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a snapshot of a state built alike."""
        self.classifier_network.load_state_dict(checkpoint.network)
        if self.average is not None:
            self.network.load_state_dict(_part(checkpoint.training, RAW))
        restore_state(self.optimizer, _part(checkpoint.training, OPTIMIZER))
        self.step = checkpoint.step
        self.seconds = checkpoint.state["seconds"]
        self.best_score = checkpoint.state["best_score"]
        self.best_step = checkpoint.state["best_step"]
        self.validations_since_best = checkpoint.state["validations_since_best"]


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
