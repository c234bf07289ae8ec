"""Where and how a run was made: enough to make it again."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("convscope", "torch", "torchvision", "timm", "numpy", "Pillow", "safetensors")


def describe_environment(
    *, device: torch.device, seed: int, command: list[str] | None = None
) -> dict[str, Any]:
    """Versions, device, threads, command line, seed, and the git commit when there is one."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "working_folder": str(Path.cwd()),
        "command": command if command is not None else sys.argv,
        "seed": seed,
        "git_commit": _git_commit(),
    }


def what_differs(before: Any, now: dict[str, Any]) -> list[str]:
    """Of two environments, what the last bits of a training depend on: `threads 8, not 2`."""
    if not isinstance(before, dict):
        return []
    found = [
        f"{name} {now[key]}, not {before[key]}"
        for key, name in (("device_name", "device"), ("threads", "threads"))
        if before.get(key) not in (None, now[key])
    ]
    versions = before.get("packages")
    torch_before = versions.get("torch") if isinstance(versions, dict) else None
    if torch_before not in (None, now["packages"]["torch"]):
        found.append(f"torch {now['packages']['torch']}, not {torch_before}")
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
