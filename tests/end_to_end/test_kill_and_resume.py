"""SIGKILL at random points, some while a checkpoint is being written, changes nothing in what comes out."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_and_resume.py"


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_ten_killed_runs_go_on_to_the_same_bits() -> None:
    done = run_script("--kills", "10", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 of 10 equal, bit for bit" in done.stdout
    assert done.stdout.count("killed, resumed") >= 8, done.stdout


@pytest.mark.slow
def test_without_its_random_state_a_resumed_run_differs() -> None:
    """The control: the comparison above can fail."""
    done = run_script("--kills", "4", "--seed", "7", "--forget-random-state")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "network: " in done.stdout
