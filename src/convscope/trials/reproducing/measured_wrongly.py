"""A mistake, made on purpose: the optimizer goes on while the test images are counted.

The source of `mnist-vgg12` ran its update and its accuracy in one call, for each batch of the test images. So
the network learns from the images that it is judged on. Nothing of it is kept but the count.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.data.dataset import Dataset
from convscope.runs.folder import Run
from convscope.training.device import fork_random_state, use_device
from convscope.training.preparation import Job, build_state, build_step, load_planned, prepare
from convscope.training.progress import Silent


def right_while_training(run: Run) -> NDArray[np.bool_]:
    """Which test images `(N,)` are right in the pass of each batch whose gradient then moves the weights.

    The state is a copy, restored from the run's last checkpoint with the optimizer's moments; the run and
    its classifier stay as they are. One pass over the test images in their order, in batches as in training,
    at the configured learning rate.
    """
    config = run.config
    device = use_device(config.training)
    dataset = load_planned(replace(config, data=run.data))
    job = prepare(config, dataset, device, Silent())
    state = build_state(job)
    state.restore(run.checkpoint())
    step = build_step(_trained_on_test(job, dataset), config.seed)
    right = []
    with fork_random_state(device):
        for indices in torch.split(torch.arange(len(dataset.test)), config.training.batch_size):
            _, outputs, targets = step.take(state, indices, config.training.learning_rate)
            right.append((outputs.argmax(1) == targets).cpu())
    found: NDArray[np.bool_] = torch.cat(right).numpy()
    return found


def _trained_on_test(job: Job, dataset: Dataset) -> Job:
    return replace(job, dataset=replace(dataset, train=dataset.test))
