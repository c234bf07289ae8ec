"""Which experiments `convscope reproduce` runs, lists and refuses."""

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest

from convscope.cli.main import run
from convscope.config.asked import DataConfig, ExperimentConfig, NetworkConfig, TrainingConfig
from convscope.config.experiment_file import Published, experiment_to_dict
from convscope.config.kinds import TimingSetting
from convscope.config.length import Steps
from convscope.config.reference import Figure, Reference
from convscope.errors import DataError, UsageError
from convscope.trials.cards.card import Card, configuration_of
from convscope.trials.reproducing import selection
from convscope.trials.reproducing.experiments import (
    differs_from,
    experiments_folder,
    find_experiment,
    locate,
    results_folder,
)
from convscope.trials.reproducing.reproduction import reproduce
from convscope.trials.reproducing.selection import is_current, plan
from convscope.trials.reproducing.trainings import Wish, scaled

SETTING = ExperimentConfig(
    data=DataConfig(source="counting:1-2"),
    network=NetworkConfig(name="linear"),
    training=TrainingConfig(steps=100),
)


def experiment(name: str, telling: int = 2, minutes: float = 1.0) -> Published:
    reference = Reference(
        source="E0",
        shows="x",
        says="y",
        minutes=minutes,
        telling={1: 1, 2: 2, 3: 3}[telling],  # type: ignore[arg-type]
    )
    return Published(name, SETTING, reference, ())


def card(name: str, setting: ExperimentConfig = SETTING, scale: float = 1.0) -> Card:
    return Card(
        experiment=name,
        source="E0",
        made="2026-01-01T00:00:00+00:00",
        scale=scale,
        configuration=configuration_of(experiment_to_dict(setting)),
        data={},
        environment={},
        figures={},
        verdict="agrees",
    )


@pytest.fixture
def wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wish:
    monkeypatch.setattr(selection, "expected_seconds", lambda reference, card=None: 60 * reference.minutes)
    return Wish(runs=tmp_path, progress=lambda: pytest.fail("nothing is trained"), seeds=1)


def test_the_most_telling_come_first_and_of_those_the_shortest(wish: Wish) -> None:
    all_of_them = [
        (experiment("late", 3, 1), None),
        (experiment("long", 1, 9), None),
        (experiment("short", 1, 2), None),
    ]
    planned, left_out = plan(all_of_them, wish)
    assert [each.experiment.name for each in planned] == ["short", "long", "late"]
    assert left_out == []


def test_a_budget_goes_to_what_fits_and_the_rest_is_said(wish: Wish) -> None:
    all_of_them = [
        (experiment("late", 3, 1), None),
        (experiment("long", 1, 9), None),
        (experiment("short", 1, 2), None),
    ]
    planned, left_out = plan(all_of_them, wish, budget=5 * 60)
    assert [each.experiment.name for each in planned] == ["short", "late"]
    assert [(each.name, each.why) for each in left_out] == [
        ("long", "takes about 9 min 00 s, and 3 min 00 s are left")
    ]
    assert plan(all_of_them, wish, budget=0)[0] == []


def test_what_has_a_card_of_today_is_not_run_again(wish: Wish) -> None:
    other = dataclasses.replace(SETTING, training=TrainingConfig(steps=50))
    all_of_them = [
        (experiment("done"), card("done")),
        (experiment("changed"), card("changed", other)),
        (experiment("tried"), card("tried", scale=0.1)),
    ]
    planned, left_out = plan(all_of_them, wish)
    assert {each.experiment.name for each in planned} == {"changed", "tried"}
    assert [(each.name, each.why) for each in left_out] == [("done", "has a card already: agrees")]


def test_a_run_of_steps_is_not_one_of_epochs() -> None:
    epochs = dataclasses.replace(SETTING, training=TrainingConfig(epochs=5))
    assert not is_current(card("x", epochs), experiment("x"))
    both = experiment_to_dict(SETTING)
    assert is_current(dataclasses.replace(card("x"), configuration=configuration_of(both)), experiment("x"))


def test_a_network_that_was_chosen_by_its_other_name_is_the_same() -> None:
    asked = dataclasses.replace(SETTING, network=NetworkConfig(name="pretrained"))
    resolved = dataclasses.replace(SETTING, network=NetworkConfig(name="efficientnet-lite0"))
    published = dataclasses.replace(experiment("x"), setting=asked)
    assert is_current(card("x", resolved), published)
    assert not is_current(card("x"), published)


def test_a_share_of_a_length_is_one_at_least() -> None:
    assert scaled(SETTING, 0.1).training.length == Steps(10)
    assert scaled(SETTING, 0.001).training.length == Steps(1)
    assert scaled(SETTING, 1) is SETTING
    with pytest.raises(UsageError, match="--scale needs"):
        scaled(dataclasses.replace(SETTING, training=TrainingConfig(time="5m")), 0.5)


STOOD_IN = Reference(
    source="E10", shows="x", says="y", stand_in="cifar10-jpeg", stand_in_is="JPEG copies of the images"
)
PLAIN = Reference(source="E15", shows="x", says="y")


def test_data_that_are_not_here_are_stood_in_for_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cifar10-jpeg").mkdir()
    (tmp_path / "kittencat.zip").touch()
    used = locate("cifar10", STOOD_IN)
    assert used == str(tmp_path / "cifar10-jpeg")
    assert differs_from("cifar10", used, STOOD_IN) == "JPEG copies of the images"
    assert differs_from("cifar10", "cifar10", STOOD_IN) is None
    assert differs_from("kittencat.zip", locate("kittencat.zip", PLAIN), PLAIN) is None
    assert differs_from("kittencat.zip", locate("kittencat.zip", PLAIN, "dogs/"), PLAIN) == (
        "other data: dogs instead of kittencat.zip"
    )
    with pytest.raises(DataError, match=r"paintings, are neither here nor in \$CONVSCOPE_DATA.*\n.*--source"):
        locate("paintings", PLAIN)


def test_the_list_says_of_each_what_it_shows_and_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["experiments"]
    assert len(rows) >= 24
    for row in rows:
        assert {"name", "shows", "reported", "measured", "verdict", "seconds"} <= row.keys()
        assert row["expected_seconds"] > 0
    assert {f"E{number}" for number in range(1, 20)} == {row["source"] for row in rows}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such"], "'no-such' is no experiment"),
        (["E1"], "did you mean mnist-linear?"),
        (["e15"], "did you mean kittens or paintings?"),
        (["mnist-liner"], "did you mean mnist-linear"),
        (["mnist-linear", "--all"], "EXPERIMENT and --all are two things"),
        (["mnist-linear", "--seeds", "0"], "--seeds: 0"),
        (["mnist-linear", "--seeds", "1.5"], "--seeds: '1.5' is not a whole number"),
        (["mnist-linear", "--scale", "0"], "--scale: 0"),
        (["mnist-linear", "--scale", "2"], "--scale: 2"),
        (["mnist-linear", "--scale", "nan"], "--scale: nan"),
        (["--budget", "soon"], "--budget: 'soon' is no time"),
        (["--source", "x"], "--source gives one experiment other data"),
        (["--all", "--source", "x"], "--source gives one experiment other data"),
        (["--check", "none.json"], "none.json does not exist"),
        (["--check", "none.json", "--seeds", "2"], "--check runs what the card says"),
        (["vgg16", "--source", "x"], "vgg16 trains nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", *words]) == 2
    assert said in capsys.readouterr().err


def test_what_trains_nothing_says_how_it_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[3] / "experiments" / "vgg16-timing.toml"
    assert run(["train", str(path)]) == 2
    assert "It is run by: convscope reproduce vgg16-timing" in capsys.readouterr().err


def test_a_file_of_ones_own_needs_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[network]\nname = "linear"\n')
    with pytest.raises(UsageError, match=r"has no \[reference\].\n.*convscope train"):
        find_experiment(str(path))


def test_a_timing_is_measured_and_not_compared_with_another_machine(tmp_path: Path) -> None:
    figures = (
        Figure(kind="seconds", value=0.9, label="batch of 1, laptop CPU"),
        Figure(kind="seconds", value=0.1, label="batch of 1, desktop GPU"),
    )
    reference = Reference(source="E14", shows="x", says="y", figures=figures)
    setting = TimingSetting(network="linear", batch_sizes=(1,), burn_in=1, batches=2)
    wish = Wish(runs=tmp_path, progress=lambda: pytest.fail("nothing is trained"))
    found = reproduce(Published("timing", setting, reference, ()), wish)
    assert (found.verdict, found.why) == ("not comparable", "a time on another machine")
    assert found.details["sizes"][0]["forward_backward"]["batches"] == 2
    assert found.figures["batch of 1, laptop CPU"].measured.value > 0
    assert is_current(found, Published("timing", setting, reference, ()))
    assert str(tmp_path) not in json.dumps(found.to_dict())


def test_the_package_takes_the_experiments_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the package in its repository; inside it where it was installed from a wheel."""
    repository = Path(__file__).parents[3]
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert taken == {"experiments": "convscope/experiments"}
    assert (experiments_folder(), results_folder()) == (
        repository / "experiments",
        repository / "experiments/results",
    )
    installed = tmp_path / "site-packages/convscope"
    (installed / "experiments").mkdir(parents=True)
    (installed / "experiments/mnist-linear.toml").touch()
    monkeypatch.setattr(
        "convscope.trials.reproducing.experiments.__file__", str(installed / "trials/reproducing/x.py")
    )
    assert (experiments_folder(), results_folder()) == (installed / "experiments", None)


def test_vggs_table_and_the_race_leave_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, figures in (("vgg16", 21), ("optimizer-race", 3)):
        words = ["reproduce", name, "--results", str(tmp_path / "cards"), "--runs", str(tmp_path / "runs")]
        assert run([*words, "--json"]) == 0
        row = json.loads(capsys.readouterr().out)["experiments"][0]
        assert (row["verdict"], row["measured_words"]) == ("agrees", f"{figures} of {figures} are so")
        assert row["is_current"]


def test_a_budget_counts_what_is_trained_beside_an_experiment(wish: Wish) -> None:
    """Ablations, trainings stopped early, and those of other experiments: half of the time, and unsaid."""
    beside = {
        name: plan([(find_experiment(name), None)], wish)[0][0].seconds / 60
        for name in ("mnist-linear", "mnist-vgg12", "mnist-two-conv", "mnist-conv4-adam", "imagenet-features")
    }
    minutes = {name: find_experiment(name).reference.minutes for name in (*beside, "kittens")}  # type: ignore[union-attr]
    assert beside["mnist-linear"] == pytest.approx(2 * minutes["mnist-linear"])
    assert beside["mnist-vgg12"] == pytest.approx(1.9 * minutes["mnist-vgg12"])
    assert beside["mnist-two-conv"] == pytest.approx(1.1101 * minutes["mnist-two-conv"])
    assert beside["mnist-conv4-adam"] > 1.3 * minutes["mnist-conv4-adam"]
    others = minutes["kittens"] + minutes["mnist-vgg12"]
    assert beside["imagenet-features"] == pytest.approx(minutes["imagenet-features"] + others)
