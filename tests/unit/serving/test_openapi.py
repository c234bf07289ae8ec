"""The OpenAPI document keeps its word: schemathesis asks what it says, and holds the answers against it."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

HOOKS = Path(__file__).parent / "schemathesis_hooks.py"


def test_schemathesis_finds_no_failure(workbench: str, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="needs schemathesis: pip install schemathesis")
    assert httpx.get(f"{workbench}/api/v1/runs/quick/classes", timeout=60).status_code == 200
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text('[parameters]\nrun = "quick"\n')
    command = [Path(sys.executable).with_name("st"), "--config-file", configuration]
    command += ["run", f"{workbench}/openapi.json", "--seed", "1", "--max-examples", "25"]
    command += [
        "--generation-database",
        "none",
        "--request-timeout",
        "60",
        "--continue-on-failure",
        "--no-color",
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "No issues found" in done.stdout
