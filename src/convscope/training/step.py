"""One optimizer update: the same for training, for measuring its pace, and for finding a learning rate."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.config.resolved import ResolvedTraining
from convscope.data.augmentation import Augmentation
from convscope.data.batches import derive_seed
from convscope.data.dataset import ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.training.convolving.fast import Fast
from convscope.training.fine_tuning.stages import set_training_mode
from convscope.training.objective import Objective
from convscope.training.processes import ONE_PROCESS, Processes
from convscope.training.state import TrainingState
from convscope.training.updating.guard import gradient_norm
from convscope.training.updating.optimizers import set_learning_rate

Watch = Callable[[Tensor, Tensor, Tensor], None]
"""Sees the loss, the norm of the gradient and the standardised images before the weights move; may raise."""


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """What an update does, apart from the weights that it moves.

    Attributes:
        train: the images that indices point into.
        seed: augmentation and dropout draw from it and the step's number.
        processes: who takes which rows of a batch; one process takes all.
        precision: of the activations; the loss and the weights are float32.
        fast: what makes convolutions faster here.
    """

    config: ResolvedTraining
    train: ImageSet
    preprocessing: Preprocessing
    augmentation: Augmentation
    objective: Objective
    device: torch.device
    precision: torch.dtype
    seed: int
    fast: Fast
    processes: Processes = ONE_PROCESS

    def take(
        self, state: TrainingState, indices: Tensor, learning_rate: float, watch: Watch | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Move the weights by one update.

        Returns:
            The loss before it, the outputs `(N, num_outputs)`, and the targets that they were compared with.
        """
        network = state.network
        images, targets = self.batch(indices, state.step)
        torch.manual_seed(derive_seed(self.seed, "step", state.step))  # what dropout draws from
        set_training_mode(network, frozen_statistics=self.config.frozen_statistics)
        with (
            torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32),
            self.fast,
        ):
            outputs = network(images)
        loss = self.objective.loss(outputs.float(), targets)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = gradient_norm(network)
        if watch is not None:
            watch(loss, norm, images)
        if self.config.clip_gradient is not None:
            torch.nn.utils.clip_grads_with_norm_(network.parameters(), self.config.clip_gradient, norm)
        set_learning_rate(state.optimizer, learning_rate)
        state.optimizer.step()
        state.step += 1
        if state.average is not None:
            state.average.update(network, state.step)
        return loss.detach(), outputs.detach(), targets

    def batch(self, indices: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Training images as the network sees them in a step, standardised, and their targets."""
        images, targets = self.augmentation.apply(
            self.train.images[indices].to(self.device),
            self.train.labels[indices].to(self.device),
            num_classes=self.objective.target.num_outputs,
            seed=self.seed,
            step=step,
            rows=self.processes.shard(len(indices)),
        )
        return self.preprocessing.standardise(images, in_place=True), targets
