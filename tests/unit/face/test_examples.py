"""The examples in the docstrings of public names are run on real images, and the user's script with them."""

import doctest
import inspect
import runpy
from pathlib import Path

import pytest

import convscope as cs

SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SCRIPT = Path(__file__).parents[2] / "contracts" / "user_script.py"
WITH_EXAMPLES = {
    *(
        "compare",
        "data",
        "diagnose",
        "evaluate",
        "find_lr",
        "load",
        "look",
        "predict",
        "report",
        "resume",
        "summary",
        "train",
    ),
    *("Answers", "Classifier", "FinishedRun", "Prediction", "Proportion"),
}


@pytest.mark.parametrize("name", sorted(WITH_EXAMPLES))
def test_an_example_gives_what_it_says(name: str, place: Path) -> None:
    documented = inspect.unwrap(getattr(cs, name))
    [found] = doctest.DocTestFinder(recurse=False).find(documented, name, globs={})
    assert found.examples
    said: list[str] = []
    doctest.DocTestRunner(optionflags=SHOWN).run(found, out=said.append)
    assert said == []


def test_every_function_has_an_example() -> None:
    functions = {name for name in cs.__all__ if name.islower()}
    assert functions <= WITH_EXAMPLES


def test_the_users_script_runs(place: Path) -> None:
    left = runpy.run_path(str(SCRIPT))
    assert left["low"] <= left["accuracy"].value <= left["high"]
    assert set(left["found"]) == {"new.png", "folder/other.png"}
    assert (left["written"], left["grave"]) == ("report.html", [])
