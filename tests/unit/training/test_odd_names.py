"""Names that are no valid text, or would act on a terminal: trained on like any, and written legibly."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

from convscope.report.page.html import write_report
from convscope.runs.folder import Run


def test_a_folder_and_a_class_whose_names_are_no_text(
    train: Callable[..., Run], bands: Path, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 \x1b[31m")
    folder.mkdir()
    for source, name in (("a", b"cl\xff\nass"), ("b", b"plain")):
        (folder / os.fsdecode(name)).symlink_to(bands / source)
    run = train(data=folder, steps=1, network="linear")
    for path in run.path.rglob("*.json"):
        json.loads(path.read_bytes().decode("utf-8"))
    assert "\x1b" not in run.path.name
    assert run.read("dataset.json")["class_names"] == ["cl\\xff\\x0aass", "plain"]
    assert "cl\\xff" in write_report(run.path).read_bytes().decode("utf-8")
    with (run.path / "splits.csv").open(encoding="utf-8", newline="") as file:
        assert {row["class"] for row in csv.DictReader(file)} == {"cl\\xff\\x0aass", "plain"}
