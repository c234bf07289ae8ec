from pathlib import Path

import pytest

from convscope.config.asked import ExperimentConfig, TrainingConfig
from convscope.config.experiment_file import (
    experiment_from_dict,
    experiment_to_dict,
    override,
    read_experiment,
    read_published,
    read_reference,
)
from convscope.config.fields import settings
from convscope.config.reference import Figure
from convscope.errors import UsageError

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


def test_every_setting_has_a_help_text() -> None:
    assert {name for name, setting in settings().items() if len(setting.help) < 10} == set()


def test_a_configuration_survives_the_way_through_json() -> None:
    config = override(ExperimentConfig(), {"training.steps": 7, "network.name": "vgg12", "seed": 3})
    assert experiment_from_dict(experiment_to_dict(config)) == config


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("training.epochs", 0, r"training.epochs = 0 is not allowed; it takes a number above 0"),
        ("training.optimizer", "adm", r"training.optimizer = 'adm' is not .*; it takes 'sgd', 'momentum'"),
        ("training.steps", 1.5, r"training.steps = 1.5 is not allowed; it takes a whole number"),
        ("data.test_fraction", 1.0, r"data.test_fraction = 1.0 is not allowed"),
        ("data.allow_broken", 1, r"data.allow_broken = 1 is not allowed; it takes true or false"),
        ("preprocessing.channels", 2, r"preprocessing.channels = 2 is not allowed; it takes 1 or 3"),
        ("seed", True, r"seed = True is not allowed; it takes a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(field: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        override(ExperimentConfig(), {field: value})


def test_whole_numbers_are_numbers() -> None:
    assert TrainingConfig(learning_rate=1).learning_rate == 1


def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("[training]\nlerning_rate = 0.1\n")
    with pytest.raises(UsageError, match=r"e.toml: training.lerning_rate is not .* mean learning_rate"):
        read_experiment(path)


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("[training\n")
    with pytest.raises(UsageError, match=r"is not valid TOML.*line 1"):
        read_experiment(path)
    with pytest.raises(UsageError, match="does not exist"):
        read_experiment(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_experiment_reads_and_opens_with_its_command(path: Path) -> None:
    experiment = read_published(path)
    reference = experiment.reference
    assert reference is not None
    assert len(reference.shows) <= 62  # one line of a list, beside nothing
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert comment[0].startswith(f"# {reference.source}") or reference.source in ("E17",)
    assert any(f"convscope reproduce {path.stem}" in line for line in comment)
    is_training = isinstance(experiment.setting, ExperimentConfig)
    assert is_training == any(f"convscope train experiments/{path.name}" in line for line in comment)


@pytest.mark.parametrize("section", ["summary", "timing", "race", "features"])
def test_what_trains_nothing_is_not_trained(tmp_path: Path, section: str) -> None:
    path = tmp_path / "facts.toml"
    needed = "" if section in ("race", "features") else 'network = "vgg16"'
    path.write_text(f"[{section}]\n{needed}\n")
    with pytest.raises(UsageError, match=r"no training\. It is run by: convscope reproduce facts"):
        read_experiment(path)
    path.write_text(path.read_text() + "[training]\nsteps = 5\n")
    with pytest.raises(UsageError, match=rf"\[{section}\] stands alone"):
        read_published(path)


def test_a_reference_is_no_setting_of_the_run(tmp_path: Path) -> None:
    plain, referring = tmp_path / "plain.toml", tmp_path / "referring.toml"
    plain.write_text('[network]\nname = "conv4"\n')
    figures = "figures = [{ value = 0.98, images = 10_000 }, { split = 'train', value = 0.82, to = 0.87 }]"
    referring.write_text(plain.read_text() + TOLD + figures)
    assert read_experiment(referring) == read_experiment(plain)
    reference = read_reference(referring)
    assert reference is not None
    assert reference.figures == (
        Figure(value=0.98, images=10_000),
        Figure(split="train", value=0.82, to=0.87),
    )
    assert [figure.name for figure in reference.figures] == ["test accuracy", "train accuracy"]
    assert read_reference(plain) is None


TOLD = '[reference]\nsource = "E8"\nshows = "depth"\nsays = "98 %"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOLD + "figures = [{ value = 98 }]", "figures.value = 98 is not allowed; .* 0 to 1"),
        (TOLD + "figures = [{ value = 0.9, to = 0.8 }]", "figures.to = 0.8 .* more than value"),
        (TOLD + 'figures = [{ images = "many" }]', "figures.images = 'many' is not"),
        (TOLD + 'figures = [{ split = "all" }]', "it takes 'train', 'validation' or 'test'"),
        (TOLD + "figures = [{ valeu = 0.98 }]", "valeu is not .* mean value"),
        (TOLD + "figures = [{}, {}]", "'test accuracy' stands there twice"),
        (TOLD + "figures = 0.98", "figures = 0.98 is not allowed; it takes a list"),
        (TOLD + "figures = [0.98]", r"it is a section, \[reference.figures\]"),
        ('[reference]\nsource = "E8"\nshows = "depth"', "reference.says = '' is not .* not empty"),
        ('reference = "E8"', r"it is a section, \[reference\]"),
        ("[[ablations]]\nname = 'short'\nsays = 'less'\nchanges = { steps = 5 }", "steps is not a setting"),
        ("[[ablations]]\nname = 'short'\nchanges = {}", "ablations.says = ''"),
    ],
)
def test_what_a_source_reported_is_checked_as_the_settings_are(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "e.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_experiment(path)
