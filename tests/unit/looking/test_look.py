"""A look at a run: telling layers and units, words that fit the pictures, and what cannot be asked."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import convscope as cs
from convscope.errors import DataError, UsageError
from convscope.inspection.activations import layer_maps
from convscope.looking.asking import ABOUT, LeftOut, Request, ask
from convscope.looking.filters import SeenTemplates
from convscope.looking.foretelling import Amount, Pace, foretell, measure_pace
from convscope.looking.maps import see_maps
from convscope.looking.patches import Projected
from convscope.looking.plan import layer_for_class_maps, make_plan, telling_images, telling_units
from convscope.looking.subject import Subject, open_subject, spread
from convscope.looking.where import padding_of
from convscope.report.page.look_folder import Written, write_look
from convscope.report.pictures.look import Look
from convscope.wording import percent


@pytest.fixture(scope="module")
def subject(run: Path) -> Subject:
    return open_subject(run)


@pytest.fixture(scope="module")
def look(run: Path) -> Look:
    return cs.look(run)


def only(subject: Subject, *about: str, **request: object) -> Iterator[object]:
    return ask(subject, Request(only=about, **request))  # type: ignore[arg-type]


def test_the_plan_takes_the_first_and_the_last_convolution(subject: Subject) -> None:
    plan = make_plan(subject)
    assert plan.layers == ("conv1", "conv2")
    assert plan.filters == ("conv1", "conv2")
    assert not plan.is_heavy


def test_a_look_is_foretold_from_what_there_is_to_do(subject: Subject) -> None:
    plan = make_plan(subject)

    def foretold(pace: float, **amount: int) -> dict[str, float]:
        given = Amount(**{"images": 1, "cases": 2} | amount)
        return foretell(subject, plan, given, Pace(forward=pace, both=2 * pace))

    quick, slow = foretold(0.001), foretold(0.1)
    assert set(quick) == set(ABOUT)
    assert all(slow[about] > quick[about] for about in set(ABOUT) - {"filters"})
    assert foretold(0.1, limit=5)["patches"] < slow["patches"] / 1.5
    assert foretold(0.1, cases=4)["where"] == pytest.approx(2 * slow["where"])
    pace = measure_pace(subject, plan)
    assert 0 < pace.forward < pace.both < 10


def test_telling_units_are_those_that_tell_images_apart(subject: Subject) -> None:
    convolution = subject.network.get_submodule("conv1")
    assert isinstance(convolution, nn.Conv2d)
    weights = convolution.weight.detach().clone()
    with torch.no_grad():
        convolution.weight[3] = 0.0  # gives its bias, whatever the image
        convolution.weight[5] = 50.0
    try:
        units = telling_units(subject, ["conv1"], 16)["conv1"]
    finally:
        with torch.no_grad():
            convolution.weight.copy_(weights)
    assert units[0] == 5
    assert units[-1] == 3


def test_the_chosen_images_are_right_and_wrong_as_they_are_called(subject: Subject) -> None:
    cases = telling_images(subject, 4)
    images = subject.judging
    logits = subject.classifier.logits(images.images)
    is_right = (logits.argmax(1) == images.labels).tolist()
    assert all(is_right[row] for row in cases.right)
    assert not any(is_right[row] for row in cases.wrong)
    assert len(cases.right) == min(4, sum(is_right))
    assert len(cases.wrong) == min(4, len(is_right) - sum(is_right))


def test_class_maps_are_taken_where_there_are_maps_of_seven_by_seven(subject: Subject) -> None:
    layer = layer_for_class_maps(subject)
    assert layer.name == "conv2"  # its maps are 8 × 8; those of the pooling behind it 4 × 4
    assert not layer.is_pooled_globally


def test_a_look_in_a_notebook_shows_itself(look: Look, bars: Path) -> None:
    pictures = {
        "filters": look.filters("conv1"),
        "maps": look.maps("conv2", image=bars / "lying" / "00.png"),
        "histograms": look.histograms(),
        "signal": look.signal(),
        "patches": look.patches("conv2"),
        "projection": look.projection("conv2"),
        "where": look.where(0),
        "wants": look.wants("conv2", 4),
        "classes": look.wants(),
        "plane": look.plane(),
    }
    for name, picture in pictures.items():
        assert picture._repr_png_().startswith(b"\x89PNG"), name
        assert picture.array.size, name
        assert len(picture.alt) > 20, name


def test_the_arrays_are_those_of_the_network(look: Look, subject: Subject) -> None:
    convolution = subject.network.get_submodule("conv1")
    assert isinstance(convolution, nn.Conv2d)
    weights = convolution.weight.detach().numpy()[:, 0]
    order = np.argsort(-np.linalg.norm(weights.reshape(16, -1), axis=1), kind="stable")
    assert np.array_equal(look.filters("conv1").array, weights[order])


def test_maps_are_shown_as_the_network_gives_them_on(subject: Subject) -> None:
    looked = subject.pick(0)
    shown = see_maps(subject, "conv2", looked).found
    image = subject.standardised(looked.pixels[None])
    own = layer_maps(subject.network, image, "conv2").maps
    assert shown.nonlinearity == "relu"
    assert own.min() < 0 <= shown.maps.min()
    assert shown.maps.max() == pytest.approx(own.max())


def test_a_projection_leaves_the_first_layer_out_where_it_would_repeat_the_filter(subject: Subject) -> None:
    seen = list(ask(subject, Request(only=("projection",))))
    layers = [each.excitation.patches.layer for each in seen if isinstance(each, Projected)]
    assert layers
    assert "conv1" not in layers
    with pytest.raises(UsageError, match="repeats the filter"):
        list(ask(subject, Request(only=("projection",), layers=("conv1",))))


def test_padding_is_two_bands_of_one_colour_and_a_drawing_on_black_has_none() -> None:
    photo = np.random.default_rng(0).integers(1, 255, (3, 12, 12)).astype(np.uint8)
    assert not padding_of(photo).any()
    photo[:, :2] = photo[:, -3:] = 0
    assert padding_of(photo)[:, 0].tolist() == [True] * 2 + [False] * 7 + [True] * 3
    photo[:, :, :2] = photo[:, :, -2:] = 0
    assert not padding_of(photo).any()


def test_a_patch_at_the_border_stands_where_it_is_in_the_field(look: Look) -> None:
    """What lies beside the image is light grey, and nothing else is: bars are darker or brighter."""
    pictures = look.patches("conv1").array
    assert pictures.shape[1:] == (9, 1, 5, 5)
    subject_patches = look._found["conv1 None"].patches
    for row in range(len(pictures)):
        for rank in range(9):
            top, left, bottom, right = subject_patches.padding[row, rank]
            inside = pictures[row, rank, 0, top : 5 - bottom, left : 5 - right]
            assert np.array_equal(inside, subject_patches.patch(row, rank)[0])


def test_what_a_unit_wants_has_the_size_that_it_sees_and_excites_it(look: Look, subject: Subject) -> None:
    wanted = look.wants("conv1", 2).array
    assert wanted.shape == (1, 1, 5, 5)
    convolution = subject.network.get_submodule("conv1")
    assert isinstance(convolution, nn.Conv2d)
    weights = convolution.weight.detach()[2]
    ends = subject.standardised(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 1, 16, 16))
    low, high = float(ends.min()), float(ends.max())
    best = float(torch.where(weights > 0, weights * high, weights * low).sum())
    reached = float((torch.from_numpy(wanted[0]) * weights).sum())
    assert reached > 0.7 * best


def test_a_named_class_is_asked_about_too(look: Look, bars: Path) -> None:
    assert look.where(bars / "lying" / "01.png", class_name="lying").array.shape[0] == 3
    both = {look.where(bars / "lying" / "01.png", name).array.shape[1] for name in ("lying", "standing")}
    assert both == {1, 2}  # one of them is what it sees, and needs no second row


@pytest.mark.parametrize(
    ("ask_for", "expected"),
    [
        (lambda look: look.filters("conv3"), "did you mean conv"),
        (lambda look: look.filters("relu1"), "Convolutions: conv1, conv2"),
        (lambda look: look.filters("conv2", channel=16), "input channels 0 to 15"),
        (lambda look: look.where(0, class_name="leaning"), "there are: lying, standing"),
        (lambda look: look.where(10_000), "from 0 on"),
        (lambda look: look.wants("conv1", 99), "units 0 to 15"),
        (lambda look: look.plane("umap"), "choose pca or t-sne"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(look: Look, ask_for: object, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        ask_for(look)  # type: ignore[operator]


def test_the_network_and_the_random_state_are_as_before(subject: Subject) -> None:
    subject.network.train()
    weights = {name: tensor.clone() for name, tensor in subject.network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    list(only(subject, "where", "wants", "histograms"))
    assert torch.equal(torch.rand(1), expected)
    assert all(module.training for module in subject.network.modules())
    assert all(torch.equal(weights[name], tensor) for name, tensor in subject.network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in subject.network.modules())
    subject.network.eval()


def test_pictures_of_other_questions_stay_and_untrained_weights_get_their_own(run: Path, bars: Path) -> None:
    def written(checkpoint: str, **request: object) -> set[str]:
        subject = open_subject(run, checkpoint)
        found = list(write_look(subject, Request(**request)))  # type: ignore[arg-type]
        return {each.path.name for each in found if isinstance(each, Written)}

    def indexed() -> dict[str, str]:
        return {entry["file"]: entry["title"] for entry in json.loads((run / "look/index.json").read_text())}

    filters = written("final", only=("filters",))
    maps = written("final", only=("maps",), layers=("conv2",), images=(bars / "lying" / "03.png",))
    assert filters == {"filters-conv1.svg", "filters-conv2.svg"}
    assert maps == {"maps-conv2-03.svg"}
    assert set(indexed()) == filters | maps
    untrained = written("untrained", only=("filters",))
    assert untrained == {"untrained-filters-conv1.svg", "untrained-filters-conv2.svg"}
    assert set(indexed()) == filters | maps | untrained
    assert "before training" in indexed()["untrained-filters-conv1.svg"]


def test_a_picture_of_weights_that_are_no_more_leaves_the_index(run: Path) -> None:
    index = run / "look" / "index.json"
    list(write_look(open_subject(run), Request(only=("filters",))))
    entries = json.loads(index.read_text())
    entries.append(entries[0] | {"file": "old.png", "step": 3})
    index.write_text(json.dumps(entries))
    list(write_look(open_subject(run), Request(only=("filters",), layers=("conv2",))))
    assert {entry["file"] for entry in json.loads(index.read_text())} >= {"filters-conv1.svg"}
    assert "old.png" not in index.read_text()


def test_a_network_without_convolutions_says_what_cannot_be_asked(linear_run: Path) -> None:
    found = list(ask(open_subject(linear_run), Request()))
    left_out = {each.about: each.reason for each in found if isinstance(each, LeftOut)}
    assert "no convolution" in left_out["maps"]
    assert "filters" not in left_out
    templates = next(each for each in found if isinstance(each, SeenTemplates))
    assert templates.weights.shape[0] == len(templates.names)
    assert {"where", "wants", "histograms"} & set(left_out) == set()
    with pytest.raises(UsageError, match="no convolution"):
        list(ask(open_subject(linear_run), Request(only=("patches",))))


def test_a_network_that_answers_with_a_number_is_looked_at_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("table")
    lines = ["path,label"]
    for number in range(40):
        pixels = np.zeros((16, 16), np.uint8)
        pixels[: number % 16] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{number % 16 + 0.5}")
    (folder / "levels.csv").write_text("\n".join(lines))
    run = cs.train(
        folder / "levels.csv", runs=folder, network="two-conv", task="regression", steps=4, threads=1
    ).path
    found = list(ask(open_subject(run), Request()))
    left_out = [each.about for each in found if isinstance(each, LeftOut)]
    assert left_out == ["plane"]


def test_rows_are_spread_over_the_whole_split() -> None:
    assert spread(10, 5).tolist() == [1, 3, 5, 7, 9]
    assert spread(3, 9).tolist() == [0, 1, 2]
    assert len(set(spread(55_000, 10_000).tolist())) == 10_000


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.0001, "< 0.1 %"), (0.052, "5.2 %"), (0.5, "50 %"), (0.9999, "> 99.9 %"), (1, "100 %")],
)
def test_a_share_is_never_said_to_be_all_or_nothing_when_it_is_not(share: float, said: str) -> None:
    assert percent(share) == said


def test_a_file_that_is_no_image_is_named_once(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(DataError) as error:
        subject.pick(tmp_path / "notes.txt")
    assert str(error.value).count("notes.txt") == 1
    with pytest.raises(DataError, match=r"absent\.png"):
        subject.pick(tmp_path / "absent.png")


def test_of_images_only_what_differs_between_images_is_asked() -> None:
    assert Request(images=(Path("new.jpg"),)).about == ("maps", "where")
    assert Request(images=(Path("new.jpg"),), only=("plane",)).about == ("plane",)
    assert len(Request().about) == 8
