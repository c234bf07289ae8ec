"""`--help`: what stands there is whole, starts with what matters, and its examples are commands."""

import io
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from convscope.cli.examples import EXAMPLES, print_examples
from convscope.cli.main import COMMANDS, app

Convscope = Callable[..., Any]
THREE = 3


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_three_examples_that_can_be_typed(command: str) -> None:
    assert len(EXAMPLES[command]) == THREE
    for example, _ in EXAMPLES[command]:
        first, *words = shlex.split(example)
        assert first == "convscope"
        assert command in ("", words[0]) or command in ("networks", "datasets")
        app.parse_args(words, exit_on_error=False, print_error=False)  # raises on a flag that there is not


def test_the_flags_that_matter_come_first(convscope: Convscope) -> None:
    text = convscope("train", "--help").out
    group = text.split("Flags that matter first")[1].split("╰")[0]
    flags = [line.split()[1] for line in group.splitlines() if line.startswith("│ --")]
    assert sorted(flags) == ["--epochs", "--folds", "--name", "--network", "--resume", "--time"]
    for title in ("Data:", "Images:", "Augmentation:", "Network:", "Training:", "Fine-tuning", "Machine"):
        assert f"─ {title}" in text


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_swallows_no_word_and_ends_with_its_examples(convscope: Convscope, command: str) -> None:
    text = convscope(command, "--help").out
    assert "; -" not in " ".join(text.split())  # where a word in angle brackets was taken for markup
    assert "`" not in text
    assert text.index("Examples") > text.index("Usage")
    assert all(example in text for example, _ in EXAMPLES[command])


def test_a_commands_own_page_says_what_its_line_in_the_list_has_no_room_for(convscope: Convscope) -> None:
    assert "With --augmentation, training is drawn instead" in " ".join(
        convscope("data", "--help").out.split()
    )
    assert "are compared as recipes" in " ".join(convscope("compare", "--help").out.split())
    assert "With --augmentation" not in convscope("--help").out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_example_is_wider_than_the_screen(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    for command in EXAMPLES:
        print_examples(console, command)
    assert isinstance(console.file, io.StringIO)
    examples = [line for line in console.file.getvalue().splitlines() if line.startswith(" ")]
    assert max(map(len, examples)) <= width


def test_the_first_screen_leads_to_python_too(convscope: Convscope) -> None:
    assert 'cs.train("photos/")' in convscope("--help").out


TASKS = {
    "train photos/": [""],
    "evaluate runs/photos-1": [""],
    "look runs/photos-1 --image new.jpg": ["", "look"],
    "data photos/": ["", "data"],
    "predict runs/photos-1 folder/ --csv": ["", "predict"],
    "train --resume runs/photos-1": ["", "train"],
    "find-lr photos/": ["", "find-lr"],
    "train photos/ --fit crop": ["", "train"],
    "compare runs/crop runs/squash": ["", "compare"],
}


@pytest.mark.parametrize("task", TASKS)
def test_a_newcomer_finds_the_command_within_two_screens_of_help(convscope: Convscope, task: str) -> None:
    screens = [convscope(*[screen] * bool(screen), "--help").out for screen in TASKS[task]]
    assert task.split()[0] in screens[0]  # the command's name leads to the second screen
    assert f"convscope {task}" in screens[-1]
