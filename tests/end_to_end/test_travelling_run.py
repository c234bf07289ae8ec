"""A run that is killed half-way, zipped, unzipped elsewhere under another name, and resumed there."""

import importlib.util
import random
import shutil
import sys
from pathlib import Path

import pytest

from convscope.runs.folder import Run

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_and_resume.py"


@pytest.mark.slow
def test_killed_zipped_unzipped_elsewhere_and_resumed_it_ends_at_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("kill_and_resume", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_and_resume", script)
    spec.loader.exec_module(script)
    never_stopped, step_seconds = script.reference(tmp_path)
    assert script.train_and_die(tmp_path, "rename", random.Random(3), step_seconds)
    assert not (tmp_path / "victim" / "summary.json").exists()
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path / "victim")
    elsewhere = tmp_path / "another machine"
    shutil.unpack_archive(archive, elsewhere / "victim")
    shutil.rmtree(tmp_path / "victim")
    monkeypatch.chdir(elsewhere)
    assert script.go_on(elsewhere, forget_random_state=False) == 0
    assert script.differences(never_stopped, Run.open(elsewhere / "victim")) == []
