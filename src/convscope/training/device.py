"""Where a training computes, and in which number format."""

import os
from contextlib import AbstractContextManager

import torch
from torch import nn

from convscope.config.asked import TrainingConfig
from convscope.errors import RunError, UsageError
from convscope.training.convolving.passes import is_depthwise
from convscope.wording import some

DEVICE_TYPES = ("cpu", "cuda")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
"""Read by the libraries beneath numpy, scipy and scikit-learn when they are loaded."""


def use_device(training: TrainingConfig) -> torch.device:
    """The device that a configuration asks for, its thread count set.

    Raises:
        UsageError: when it is none.
        RunError: when the device is not there.
    """
    hold_threads(training.threads)
    name = training.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        known = device.type in DEVICE_TYPES
    except RuntimeError:
        known = False
    if not known:
        raise UsageError(f"training.device = '{name}' is not a device; it takes auto, cpu, cuda or cuda:1")
    if device.type == "cuda":
        _refuse_absent(device)
    torch.backends.cudnn.deterministic = True
    return device


def _refuse_absent(device: torch.device) -> None:
    if not torch.cuda.is_available():
        raise RunError("there is no CUDA device here. Train on the CPU with --device cpu")
    count = torch.cuda.device_count()
    if (device.index or 0) >= count:
        there = f"{some(count, 'CUDA device')}, cuda:0{f' to cuda:{count - 1}' if count > 1 else ''}"
        raise RunError(f"there is no {device} here, but {there}. Train with --device cuda:0")


def fork_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Within, drawing leaves no trace: the random state of the CPU and of this device comes back after.

    Where no device is named, torch reads every GPU's, and warns of it where there are several.
    """
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def hold_threads(asked: int | None) -> None:
    """Compute on as many threads as were asked for, or as there are cores.

    A number that was asked for holds numpy's and scikit-learn's libraries too: those that are loaded, and, by
    the environment, those that are loaded later.
    """
    threads = min(asked or usable_cores(), usable_cores())
    torch.set_num_threads(threads)
    if asked is None:
        return
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(threads))


def usable_cores() -> int:
    """Cores that this process may use; macOS and Windows know no affinity."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def choose_precision(wanted: str, device: torch.device, network: nn.Module) -> torch.dtype:
    """The type that activations have while training; everything after training is float32.

    `auto` is bfloat16 where the device multiplies in it natively. On a CPU that pays for full convolutions
    (1.4 to 2 times as fast) and, given `fast_convolutions`, for depthwise ones; for other groups it was not
    measured: benchmarks/speed.py.
    """
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    if device.type == "cuda":
        with torch.cuda.device(device):  # it is the current one that is asked
            is_native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if is_native else torch.float32
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    pays = bool(convolutions) and all(each.groups == 1 or is_depthwise(each) for each in convolutions)
    return torch.bfloat16 if pays and torch.cpu._is_avx512_bf16_supported() else torch.float32
