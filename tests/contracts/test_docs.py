"""Every command and every piece of Python in docs/ is run as it stands, on small real images."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import convscope as cs
from convscope.cli.main import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
SMALL = {"train": ["--threads", "1", "--network", "two-conv", "--epochs", "1"]}
"""What makes a training short enough for a test."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


COMMANDS = [
    (page.stem, line.strip()) for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, lay_out: Callable[[Path], None]) -> Iterator[Path]:
    """A folder with what the pages name: photos, an image, a folder, a run, an experiment."""
    folder = tmp_path_factory.mktemp("docs")
    lay_out(folder)
    [experiment] = blocks(DOCS / "experiments.md", "toml")
    (folder / "photos.toml").write_text(experiment)
    before = Path.cwd()
    os.chdir(folder)
    cs.train("photos", name="photos", network="two-conv", steps=8, batch_size=8, threads=1)
    yield folder
    os.chdir(before)


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_does_what_it_says(
    page: str, command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, name, *arguments = shlex.split(command, comments=True)
    assert program == "convscope"
    short = SMALL.get(name, [])
    if name == "train" and "--name" in arguments:  # the run of this name is there already
        short = [*short, "--runs", f"runs-of-{page}"]
    assert run([name, *arguments, *short]) == 0
    shown = capsys.readouterr()
    assert "error" not in shown.err
    assert shown.out.strip()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem
)
def test_the_python_of_a_page_runs(page: Path, place: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)
    assert names["cs"] is cs


def test_every_page_is_in_the_menu_and_every_link_leads_somewhere() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name in menu
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_file_that_a_page_names_as_its_source_is_there() -> None:
    named = set(re.findall(r"`(benchmarks/[\w/.]+)`", (DOCS / "decisions.md").read_text(encoding="utf-8")))
    assert len(named) > 4
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_pictures_are_small() -> None:
    pictures = [each for each in (DOCS / "pictures").iterdir() if each.is_file()]
    assert pictures
    assert {each.name: each.stat().st_size for each in pictures if each.stat().st_size > 60_000} == {}
