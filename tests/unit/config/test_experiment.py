from pathlib import Path

import pytest

from convscope.config.asked import ExperimentConfig, TrainingConfig
from convscope.config.experiment_file import (
    experiment_from_dict,
    experiment_to_dict,
    override,
    read_experiment,
    read_reference,
)
from convscope.config.fields import settings
from convscope.config.reference import Reference
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
    config = read_experiment(path)
    assert config.network.name is not None
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any(f"convscope train experiments/{path.name}" in line for line in comment)
    assert read_reference(path) is not None
    assert any("two cores" in line for line in comment)


def test_a_reference_is_no_setting_of_the_run(tmp_path: Path) -> None:
    plain, referring = tmp_path / "plain.toml", tmp_path / "referring.toml"
    plain.write_text('[network]\nname = "conv4"\n')
    referring.write_text(plain.read_text() + '[reference]\nsource = "E8"\nsays = "98 %"\nimages = 10_000\n')
    assert read_experiment(referring) == read_experiment(plain)
    assert read_reference(referring) == Reference(source="E8", says="98 %", images=10_000)
    assert read_reference(plain) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[reference]\nsource = "E8"\nsays = "98 %"\naccuracy = 98', "reference.accuracy = 98 .* 0 to 1"),
        ('[reference]\nsource = "E8"\nsays = "98 %"\nimages = "many"', "reference.images = 'many' is not"),
        ('[reference]\nsource = "E8"\nsays = "98 %"\nsplit = "train"', "it takes 'validation' or 'test'"),
        ('[reference]\nsource = "E8"\nsays = "98 %"\nacuracy = 0.98', "acuracy is not .* mean accuracy"),
        (
            '[reference]\nsource = "E8"',
            "reference.says = '' is not allowed; it takes a text that is not empty",
        ),
        ('reference = "E8"', r"it is a section, \[reference\]"),
    ],
)
def test_a_reference_is_checked_as_the_settings_are(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "e.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_experiment(path)
