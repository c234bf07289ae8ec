"""The exact head: beats chance where it can, picks its own strength, lands in the network."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from convscope.classifier.backbone import head_layer
from convscope.data.preprocessing import Preprocessing
from convscope.errors import UsageError
from convscope.training.fine_tuning.exact import fit_head
from convscope.training.fine_tuning.head import compute_features, install_head


def clouds(count: int, columns: int, classes: int, distance: float, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    centres = torch.randn(classes, columns, generator=torch.Generator().manual_seed(99)) * distance
    return centres[labels] + torch.randn(count, columns, generator=generator), labels


def accuracy(head, features, labels):
    return ((features @ head.weight.T + head.bias).argmax(1) == labels).float().mean().item()


def test_more_features_than_images_still_generalises():
    features, labels = clouds(90, 400, 3, 0.25)
    unseen, truth = clouds(600, 400, 3, 0.25, seed=1)
    assert accuracy(fit_head(features, labels, num_classes=3), unseen, truth) > 0.9


def test_where_float32_finds_no_eigenvalues_float64_does(monkeypatch):
    """As with 240 digits, raw pixels: LAPACK gives up on many columns that are alike."""
    features, labels = clouds(200, 30, 3, 0.3)
    usual, given_up = fit_head(features, labels, num_classes=3), []
    eigh = torch.linalg.eigh

    def gives_up(matrix):
        if matrix.dtype == torch.float32:
            given_up.append(len(matrix))
            raise torch.linalg.LinAlgError("linalg.eigh: The algorithm failed to converge")
        return eigh(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", gives_up)
    head = fit_head(features, labels, num_classes=3)
    assert given_up == [30]
    torch.testing.assert_close(head.weight, usual.weight, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("columns", [6, 300])
def test_it_is_the_solution_that_scikit_learn_finds(columns):
    features, labels = clouds(200, columns, 3, 0.3)
    scaled = features * torch.linspace(0.2, 5.0, columns) + 3
    head = fit_head(scaled, labels, num_classes=3)
    wanted = theirs(scaled, labels, head.strength).predict_proba(in_unit(scaled))
    ours = (scaled @ head.weight.T + head.bias).double().softmax(1).numpy()
    np.testing.assert_allclose(ours, wanted, atol=2e-3)


def test_its_strength_does_as_well_on_held_out_images_as_any_that_is_tried_on_all_of_a_grid():
    features, labels = clouds(250, 60, 4, 0.25)
    head = fit_head(features, labels, num_classes=4)
    losses = []
    for strength in 10.0 ** (np.arange(-6, 5) / 2):
        order, folds = np.argsort(labels.numpy(), kind="stable"), []
        for fold in range(5):
            out = np.zeros(250, bool)
            out[order[fold::5]] = True
            rows = in_unit(features)
            model = theirs(features[~out], labels[~out], strength, rows[~out])
            chances = model.predict_proba(rows[out])[np.arange(out.sum()), labels.numpy()[out]]
            folds.append(-np.log(chances).mean())
        losses.append(np.mean(folds))
    assert head.held_out_loss == pytest.approx(min(losses), rel=5e-3)


def scale_of(features):
    """The square root of each column's deviation, and one factor for a mean square of 1 over all columns."""
    deviations = features.std(0, correction=0)
    return (deviations * deviations.mean()).sqrt()


def in_unit(features):
    return ((features - features.mean(0)) / scale_of(features)).double().numpy()


def theirs(features, labels, strength, rows=None):
    model = LogisticRegression(C=1 / (len(labels) * strength), tol=1e-9, max_iter=2000)
    return model.fit(in_unit(features) if rows is None else rows, labels.numpy())


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one():
    features, labels = clouds(120, 300, 2, 0.0)
    noise = fit_head(features, labels, num_classes=2)
    features, labels = clouds(120, 300, 2, 2.0)
    signal = fit_head(features, labels, num_classes=2)
    assert noise.strength > 10 * signal.strength
    assert noise.held_out_loss == pytest.approx(np.log(2), abs=0.1)
    assert signal.held_out_loss < 0.05


def test_the_same_input_gives_the_same_bits():
    features, labels = clouds(60, 100, 2, 0.3)
    first, second = (fit_head(features, labels, num_classes=2) for _ in range(2))
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)


def test_draws_of_one_image_are_never_on_both_sides():
    """Features of noise whose draws are copies: held out apart, they would look perfectly learnable."""
    features, labels = clouds(80, 200, 2, 0.0)
    head = fit_head(features.expand(3, -1, -1), labels, num_classes=2)
    assert head.held_out_loss > 0.6


def test_a_heavier_class_is_named_more_often():
    features, labels = clouds(100, 3, 2, 0.2)
    even = fit_head(features, labels, num_classes=2)
    heavy = fit_head(features, labels, num_classes=2, weights=1.0 + 9.0 * (labels == 1))

    def share(head):
        return (features @ head.weight.T + head.bias).argmax(1).float().mean()

    assert share(heavy) > share(even) + 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_a_class_that_no_image_shows_is_never_named(classes):
    features, labels = clouds(60, 10, classes, 1.0)
    head = fit_head(features, labels, num_classes=classes + 1)
    outputs = features @ head.weight.T + head.bias
    assert outputs.shape == (60, classes + 1)
    assert torch.isfinite(outputs).all()
    assert not (outputs.argmax(1) == classes).any()


def test_a_class_of_one_image_is_fitted_although_most_folds_have_none_of_it():
    features, labels = clouds(40, 10, 2, 2.0)
    labels[0] = 2
    features[0] = -10.0
    head = fit_head(features, labels, num_classes=3)
    assert np.isfinite(head.held_out_loss)
    assert (features[:1] @ head.weight.T + head.bias).argmax(1).tolist() == [2]


def test_two_classes_are_penalised_as_any_number_of_classes_is():
    """The slope of mean cross-entropy + strength / 2 · |weights|², over the logits of both, is nought."""
    features, labels = clouds(80, 4, 2, 0.5)
    head = fit_head(features, labels, num_classes=2)
    assert torch.allclose(head.weight[0], -head.weight[1], atol=1e-6)
    rows = torch.from_numpy(in_unit(features))
    weight = (head.weight * scale_of(features)).double().requires_grad_()
    bias = (head.bias + head.weight @ features.mean(0)).double()
    loss = nn.functional.cross_entropy(rows @ weight.T + bias, labels)
    loss = loss + head.strength / 2 * weight.square().sum()
    slope = torch.autograd.grad(loss, weight)[0]
    assert slope.square().sum() / (2 * head.strength) < 2e-6


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_few_images_still_give_a_head(count):
    features, labels = clouds(count, 5, 2, 1.0)
    for targets, num_classes in ((labels, 2), (labels.float(), None)):
        head = fit_head(features, targets, num_classes=num_classes)
        assert torch.isfinite(head.weight).all()
        assert torch.isfinite(head.bias).all()


def test_regression_finds_the_line():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(150, 20, generator=generator) * 3 + 5
    slope = torch.randn(20, generator=generator)
    numbers = features @ slope + 7
    head = fit_head(features, numbers, num_classes=None)
    predicted = features @ head.weight.T + head.bias
    assert head.weight.shape == (1, 20)
    assert (predicted[:, 0] - numbers).abs().max() < 0.05 * numbers.std()


def test_a_feature_that_never_varies_does_no_harm():
    features, labels = clouds(60, 10, 2, 1.0)
    features[:, 3] = 4.0
    head = fit_head(features, labels, num_classes=2)
    assert torch.isfinite(head.weight).all()
    assert accuracy(head, features, labels) > 0.9


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(8, 2)

    def forward(self, images):
        return self.classifier(self.dropout(self.body(images)))


def test_an_installed_head_gives_the_logits_that_its_features_promise():
    network, preprocessing = Small().train(), Preprocessing(8, 8, 3)
    images = torch.randint(
        0, 256, (50, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    labels = torch.arange(50) % 2
    features = compute_features(network, preprocessing, images)
    assert network.training
    assert features.shape == (50, 8)
    head = fit_head(features, labels, num_classes=2)
    install_head(network, head)
    with torch.inference_mode():
        logits = network.eval()(preprocessing.standardise(images))
    torch.testing.assert_close(logits, features @ head.weight.T + head.bias)


def test_a_network_without_a_linear_head_is_refused():
    with pytest.raises(UsageError, match="no linear layer"):
        head_layer(nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
