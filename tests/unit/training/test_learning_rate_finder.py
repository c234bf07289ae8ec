"""The learning-rate finder: a rate that works, and a network that does not notice."""

import copy
import json
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from convscope.classifier.classifier import Classifier
from convscope.classifier.target import Target
from convscope.config.asked import ExperimentConfig, OptimizerName
from convscope.config.experiment_file import override
from convscope.config.resolved import resolve
from convscope.data.dataset import Dataset, ImageSet
from convscope.data.preprocessing import Preprocessing
from convscope.errors import DivergedError
from convscope.training.learning_rate_finder import (
    LearningRateSearch,
    propose,
    rates_to_try,
    search_for_job,
    search_learning_rate,
)
from convscope.training.objective import Objective
from convscope.training.preparation import Job, build_state, build_step
from convscope.training.progress import Silent
from convscope.training.updating.optimizers import build_optimizer, set_learning_rate

COUNT, SIDE = 64, 6
CPU = torch.device("cpu")
PREPROCESSING = Preprocessing(
    height=SIDE, width=SIDE, channels=1, mean=torch.full((1, 1, 1), 0.5), std=torch.full((1, 1, 1), 0.25)
)
TARGET = Target(class_names=("dark", "light"))
OBJECTIVE = Objective(TARGET)


def two_kinds_of_images() -> ImageSet:
    """Dark and light noise."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(COUNT) % 2
    noise = torch.randint(0, 150, (COUNT, 1, SIDE, SIDE), generator=generator)
    images = (noise + 100 * labels[:, None, None, None]).to(torch.uint8)
    names = tuple(str(number) for number in range(COUNT))
    return ImageSet(images, labels, names, names)


def network_with_everything() -> nn.Sequential:
    """Running statistics and dropout, as a classifier holds them."""
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 2)
    )
    return network.eval()  # as a classifier's is


def job_of(network: nn.Module, optimizer: OptimizerName, seed: int = 0, **training: object) -> Job:
    """A fit of this network on the two kinds of images."""
    values = {
        "optimizer": optimizer,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "weight_decay": 0.01,
        "schedule": "constant",
        "label_smoothing": 0.0,
        "balance": "none",
        "steps": 100,
        "precision": "float32",
    }
    config = override(
        ExperimentConfig(),
        {"seed": seed, "network.name": "linear", "augmentation.preset": "shift=0.1"}
        | {"data.task": "classification", "preprocessing.size": SIDE, "preprocessing.channels": 1}
        | {"preprocessing.fit": "crop", "preprocessing.centre": "channel", "preprocessing.scale": True}
        | {f"training.{name}": value for name, value in (values | training).items()},
    )
    images = two_kinds_of_images()
    none = images.take(())
    dataset = Dataset(
        name="noise",
        class_names=TARGET.class_names,
        train=images,
        validation=none,
        test=none,
        quarantined=(),
        fingerprint="",
    )
    classifier = Classifier(network, config.network, PREPROCESSING, TARGET)
    return Job(resolve(config), dataset, classifier, CPU, Silent())


def search(
    network: nn.Module,
    optimizer: OptimizerName = "adamw",
    *,
    num_steps: int = 100,
    on_step: Callable[[int], None] | None = None,
    **settings: object,
) -> LearningRateSearch:
    return search_for_job(job_of(network, optimizer, **settings), num_steps=num_steps, on_step=on_step)


def search_at_scaled_rates(job: Job, scale: float) -> LearningRateSearch:
    step, state = build_step(job, seed=0), build_state(job)
    for group in state.optimizer.param_groups:
        group["rate_scale"] = scale
    return search_learning_rate(step, state, None, 100, None)


def snapshot(network: nn.Module) -> tuple[dict[str, Tensor], list[bool], Tensor, list[object]]:
    """All that a search could disturb."""
    return (
        copy.deepcopy(dict(network.state_dict())),
        [module.training for module in network.modules()],
        torch.get_rng_state(),
        [parameter.grad for parameter in network.parameters()],
    )


def assert_untouched(network: nn.Module, before: tuple[object, ...]) -> None:
    after = snapshot(network)
    for name, tensor in before[0].items():
        assert torch.equal(tensor, after[0][name]), name
    assert before[1] == after[1]
    assert torch.equal(before[2], after[2])
    assert after[3] == [None] * len(after[3])


def loss_after(network: nn.Module, optimizer_name: OptimizerName, rate: float, steps: int = 20) -> float:
    """Train a copy at a constant rate."""
    trained, train = copy.deepcopy(network), two_kinds_of_images()
    optimizer = build_optimizer(trained, optimizer_name, weight_decay=0.0, momentum=0.9, rate_scales={})
    set_learning_rate(optimizer, rate)
    for _ in range(steps):
        loss = OBJECTIVE.loss(trained(PREPROCESSING.standardise(train.images)), train.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return OBJECTIVE.loss(trained(PREPROCESSING.standardise(train.images)), train.labels).item()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_the_proposed_rate_trains_and_rates_far_from_it_do_not(optimizer: OptimizerName) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 16), nn.ReLU(), nn.Linear(16, 2))
    found = search(network, optimizer)
    proposed = loss_after(network, optimizer, found.proposed)
    assert proposed < 0.5 * loss_after(network, optimizer, 0.0)
    assert proposed < 0.5 * loss_after(network, optimizer, found.proposed / 1000)


def test_network_mode_and_random_state_are_as_they_were() -> None:
    network = network_with_everything()
    before = snapshot(network)
    search(network)
    assert_untouched(network, before)


def test_they_are_as_they_were_after_an_error_too() -> None:
    class StopError(Exception):
        pass

    def stop(step: int) -> None:
        torch.rand(3)
        if step == 5:
            raise StopError

    network = network_with_everything()
    before = snapshot(network)
    with pytest.raises(StopError):
        search(network, on_step=stop)
    assert_untouched(network, before)


def test_the_same_seed_gives_the_same_search_whatever_the_random_state() -> None:
    network = network_with_everything()
    first = search(network)
    torch.rand(7)
    assert search(network) == first
    assert search(network, seed=1).losses != first.losses


def test_the_search_stops_where_the_loss_explodes() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 16), nn.ReLU(), nn.Linear(16, 2))
    found = search_at_scaled_rates(job_of(network, "momentum"), 30.0)
    assert found.diverged_at is not None
    assert found.diverged_at < rates_to_try("momentum", 100)[-1]
    assert found.proposed <= found.diverged_at / 10
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 100
    assert all(math.isfinite(value) for value in (*found.losses, *found.smoothed))


def test_every_step_is_counted_until_the_search_ends() -> None:
    steps: list[int] = []
    found = search(network_with_everything(), num_steps=30, on_step=steps.append)
    assert steps == list(range(1, len(steps) + 1))
    assert len(found.rates) in (len(steps), len(steps) + 1)


def test_a_loss_that_never_falls_is_an_error_that_says_so() -> None:
    network = network_with_everything()
    network[4] = nn.Identity()
    network[1] = nn.Identity()
    still = job_of(network, "adamw", weight_decay=0.0, batch_size=COUNT)
    with pytest.raises(DivergedError, match="no learning rate from 1e-06 to 1 makes the loss fall"):
        search_at_scaled_rates(still, 0.0)


def test_rare_classes_are_drawn_as_training_would_draw_them() -> None:
    """It looks for the rate of the training that follows: same sampling, same weights in the loss."""
    losses = {
        balance: search(network_with_everything(), balance=balance).losses
        for balance in ("none", "loss", "sampling")
    }
    assert losses["none"][0] == pytest.approx(losses["loss"][0])  # classes are even here
    assert losses["none"][0] != losses["sampling"][0]


def test_a_network_that_is_broken_from_the_start_is_an_error_that_says_so() -> None:
    network = network_with_everything()
    with torch.no_grad():
        network[-1].weight.fill_(math.inf)
    with pytest.raises(DivergedError, match="before the first update"):
        search(network)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_rates_rise_evenly_over_six_decades(optimizer: OptimizerName) -> None:
    rates = rates_to_try(optimizer, 61)
    assert rates[-1] / rates[0] == pytest.approx(1e6)
    assert rates[10] / rates[0] == pytest.approx(10)


def valley(scale: float = 1.0) -> tuple[list[float], list[float]]:
    """A loss that falls from 1e-4 to 1e-1 and then explodes."""
    rates = rates_to_try("adam", 121)
    decades = [math.log10(rate) for rate in rates]
    losses = [2.0 - 1.8 / (1 + math.exp(-4 * (x + 2.5))) + max(0.0, x + 1) ** 2 * 9 for x in decades]
    return rates, [scale * loss for loss in losses]


def test_the_proposal_lies_in_the_fall_well_before_the_loss_rises() -> None:
    rates, losses = valley()
    proposed, steep_from, steep_to = propose(rates, losses)
    assert 10**-3.2 < steep_from < 10**-2.8
    assert 10**-2.2 < steep_to < 10**-1.8
    assert 10**-2.5 < proposed < 10**-1.5


def test_a_low_loss_by_chance_at_the_start_does_not_widen_the_steep_region() -> None:
    rates, losses = valley()
    dipped = [losses[0] - 0.5, *losses[1:]]
    assert propose(rates, dipped)[1] == pytest.approx(propose(rates, losses)[1], rel=0.3)


def test_the_proposal_keeps_a_decade_from_where_the_loss_explodes() -> None:
    rates, losses = valley()
    assert propose(rates, losses, diverged_at=0.02)[0] == pytest.approx(0.002)
    assert propose(rates, losses, diverged_at=1.0) == propose(rates, losses)


def test_the_unit_of_the_loss_does_not_matter() -> None:
    assert propose(*valley()) == propose(*valley(scale=1024.0))


def test_a_search_is_a_json_document() -> None:
    found = search(network_with_everything(), "sgd")
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["proposed"] == found.proposed
    assert document["rates"] == list(found.rates)
