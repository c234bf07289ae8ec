"""Every rule of diagnosis says its findings in the same way; read from the source, so none is left out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import convscope
from convscope.diagnosis.finding import Finding

ROOM = Path(convscope.__file__).parent / "diagnosis"
RULES = sorted(path for path in ROOM.rglob("*.py") if path.stem not in ("__init__", "finding"))


def made_in(path: Path) -> Iterator[tuple[int, dict[str, ast.expr]]]:
    """Line and arguments of each `Finding(…)` in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
            yield node.lineno, {argument.arg or "": argument.value for argument in node.keywords}


def last_text(value: ast.expr) -> str:
    """The constant text that an expression ends with, as far as it can be read."""
    if isinstance(value, ast.JoinedStr) and value.values:
        value = value.values[-1]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_names_are_of_one_kind_and_texts_leave_the_full_stop_to_who_shows_them(path: Path) -> None:
    faults = []
    for line, given in made_in(path):
        name = given["name"]
        if not (isinstance(name, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)*", str(name.value))):
            faults.append(f"{path.name}:{line}: the name is {ast.unparse(name)}")
        for field in ("sentence", "evidence", "advice"):
            if field in given and last_text(given[field]).endswith((".", " ")):
                faults.append(f"{path.name}:{line}: {field} ends in a full stop or a space")
    assert faults == []


def test_the_walk_finds_the_rules() -> None:
    """The control: there is something to check."""
    assert sum(len(list(made_in(path))) for path in RULES) > 30


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_public_function_of_a_rule_file_says_what_it_asks(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name[0] != "_" and not ast.get_docstring(node)
    ]
    assert silent == []


def test_a_finding_is_one_line_in_every_form() -> None:
    finding = Finding(name="a", severity="note", sentence="b", evidence="c", advice="d")
    assert str(finding) == "b: c. d"
    assert {"name", "kind", "severity", "sentence", "evidence", "advice"} < set(finding.to_dict())
    assert Finding.from_dict(finding.to_dict()) == finding
