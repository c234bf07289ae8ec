"""What each choice gains alone that makes convscope fast: measured row by row, and written as docs/speed.md.

    python benchmarks/speed.py ROW …       measure rows; `all` for all of them, `list` for their names
    python benchmarks/speed.py write       make docs/speed.md from what was measured

In a row the ways take turns, round after round, in one process; the first is what convscope does, and each
other one differs from it by what it names. Rows whose name ends with an instruction set run with oneDNN and
torch held to it, as on a CPU that has no more.
"""

import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from speed_results import keep, prepare_process, timed

Ways = dict[str, Callable[[], object]]

OURS = "as convscope does it"
ISAS = {"AVX2": ("AVX2", "avx2"), "AVX-512": ("AVX512_CORE", "avx512")}
"""What oneDNN and torch are held to: a CPU without bfloat16."""

TRAINED = {
    "vgg12": {"training.batch_size": 100, "training.optimizer": "adam"},
    "small-resnet": {"preprocessing.size": 32, "preprocessing.channels": 3},
    "two-conv": {},
    "pretrained": {"preprocessing.size": 256, "preprocessing.channels": 3},
}
"""Trained on the digits, which come with the package, as `train` would choose unless it says otherwise."""

COMPILED = "compiled"
FEW = 16
"""Images in a step on an old CPU, where bfloat16 takes minutes for a hundred."""


def training_ways(name: str, *, on_old_cpu: bool) -> Ways:
    """An update of `train`, all of it: images taken, augmented and standardised, and the weights moved."""
    import torch

    def changed(**settings: object) -> Callable[[], object]:
        old = {"precision": "float32", "batch_size": FEW} if on_old_cpu else {}
        return _step(name, old | settings)

    first, tuned = {"layout": torch.contiguous_format}, name == "pretrained"
    others = {
        "convolutions as the library has them": "library",
        "frozen normalisations not folded": "not folded",
    }
    convolutions = {way: changed(convolutions=what) for way, what in others.items()} if tuned else {}
    if on_old_cpu and tuned:
        return {OURS: changed()} | convolutions
    if on_old_cpu:
        return {
            OURS: changed(),
            "in bfloat16": changed(precision="bfloat16"),
            "channels first in memory": changed(**first),
        }
    ways: Ways = {
        OURS: changed(),
        "in float32": changed(precision="float32"),
        "channels first in memory": changed(**first),
        "optimizer not fused": changed(fused=False),
        "one thread": changed(threads=1),
        "images not augmented": changed(augmentation="none"),
        "float32, channels first, not fused": changed(precision="float32", fused=False, **first),
    }
    if tuned:
        del ways["images not augmented"], ways["channels first in memory"]
        ways |= convolutions
    return ways | {COMPILED: changed(compiled=True)}


def _step(name: str, settings: dict[str, Any]) -> Callable[[], object]:
    import torch

    from convscope.training.convolving.fast import fast_convolutions
    from convscope.training.preparation import build_state, build_step

    job = job_of(name, settings)
    network = job.classifier.network
    if "layout" in settings:
        network.to(memory_format=settings["layout"])
        network.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    state, step = build_state(job), build_step(job, seed=0)
    if "fused" in settings:
        for group in state.optimizer.param_groups:
            group["fused"] = None
    if settings.get("compiled"):
        network.compile(dynamic=False)
    size = job.config.training.batch_size
    rows = torch.arange(size)
    threads = settings.get("threads", torch.get_num_threads())

    match settings.get("convolutions"):
        case "library":
            step = replace(step, fast=nullcontext())
        case "not folded":
            step = replace(step, fast=fast_convolutions(network, step.precision))

    def once() -> None:
        torch.set_num_threads(threads)
        step.take(state, rows, 1e-4)

    return once


def job_of(name: str, settings: dict[str, Any]) -> Any:
    from convscope.config.asked import ExperimentConfig
    from convscope.config.experiment_file import override
    from convscope.data.survey import survey
    from convscope.training.device import use_device
    from convscope.training.plan import plan_experiment
    from convscope.training.preparation import load_planned, prepare
    from convscope.training.progress import Silent

    changes: dict[str, Any] = {"network.name": name} | TRAINED[name]
    for setting in ("training.precision", "training.batch_size", "augmentation.preset"):
        word = setting.rpartition(".")[2].replace("preset", "augmentation")
        if word in settings:
            changes[setting] = settings[word]
    config = override(ExperimentConfig(), changes)
    resolved = plan_experiment(config, survey(config.data)).config
    return prepare(resolved, load_planned(resolved), use_device(resolved.training), Silent())


def vgg16_ways(direction: str, *, on_old_cpu: bool) -> Ways:
    """A pass over eight photos, as `convscope benchmark vgg16` times it."""
    import torch

    from convscope.benchmarking.subject import subject_network
    from convscope.benchmarking.workload import Setting, Workload

    network, shape = subject_network("vgg16")
    setting = Setting(
        device=torch.device("cpu"),
        precision=torch.float32 if on_old_cpu else torch.bfloat16,
        layout="channels-last",
        compiled=False,
        threads=torch.get_num_threads(),
    )
    changes = {
        "in float32": "float32",
        "channels first in memory": "channels-first",
        "one thread": "1-thread",
        "float32, channels first": "float32, channels-first",
        COMPILED: "compiled",
    }
    if on_old_cpu:
        changes = {"channels first in memory": "channels-first"}
    settings = {OURS: setting} | {name: setting.changed(words) for name, words in changes.items()}
    return {
        name: Workload(copy.deepcopy(network), shape, each).way(direction, 8)  # type: ignore[arg-type]
        for name, each in settings.items()
    }


def evaluation_ways(name: str, *, on_old_cpu: bool) -> Ways:
    """A batch of images to logits, as `evaluate` and `predict` compute them: in float32."""
    import torch
    from torch.fx.experimental.optimization import fuse

    from convscope.benchmarking.subject import subject_network

    network, shape = subject_network(name)
    images = torch.randn(64 if shape[-1] > 100 else 256, *shape, generator=torch.Generator().manual_seed(0))
    network = network.eval().to(memory_format=torch.channels_last)
    last = images.contiguous(memory_format=torch.channels_last)
    first = copy.deepcopy(network).to(memory_format=torch.contiguous_format)

    def plain(network: Any, images: Any) -> Any:
        with torch.inference_mode():
            return network(images)

    def with_gradients_off() -> None:
        with torch.no_grad():
            network(last)

    def in_bfloat16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            plain(network, last)

    def on_one_thread() -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        plain(network, last)
        torch.set_num_threads(threads)

    ways: Ways = {
        OURS: partial(plain, network, last),
        "in bfloat16": in_bfloat16,
        "channels first in memory": partial(plain, first, images),
        "no_grad in place of inference_mode": with_gradients_off,
        "in batches of 16": lambda: [plain(network, part) for part in last.split(16)],
        "one thread": on_one_thread,
    }
    if any(type(module) is torch.nn.BatchNorm2d for module in network.modules()):
        fused = fuse(network).to(memory_format=torch.channels_last)
        ways["convolutions and batch normalisation fused"] = partial(plain, fused, last)
    compiled = torch.compile(copy.deepcopy(network), dynamic=False)
    return ways | {COMPILED: partial(plain, compiled, last)}


ROWS: dict[str, tuple[Callable[..., Ways], int]] = {
    "vgg12 step": (partial(training_ways, "vgg12"), 7),
    "small-resnet step": (partial(training_ways, "small-resnet"), 9),
    "two-conv step": (partial(training_ways, "two-conv"), 25),
    "EfficientNet-Lite0 step": (partial(training_ways, "pretrained"), 7),
    "vgg16 forward": (partial(vgg16_ways, "forward"), 7),
    "vgg16 forward and backward": (partial(vgg16_ways, "forward_backward"), 7),
    "two-conv evaluation": (partial(evaluation_ways, "two-conv"), 15),
    "vgg12 evaluation": (partial(evaluation_ways, "vgg12"), 7),
    "small-resnet evaluation": (partial(evaluation_ways, "small-resnet"), 9),
    "EfficientNet-Lite0 evaluation": (partial(evaluation_ways, "pretrained"), 7),
}
"""The ways of a row, and its rounds."""

OLD_ROWS = ("vgg12 step", "vgg16 forward and backward", "EfficientNet-Lite0 step")


def measure(name: str) -> None:
    """One row, in this process, and into the results."""
    row, _, isa = name.partition(" on ")
    if isa and ISAS[isa][1] != os.environ.get("ATEN_CPU_CAPABILITY"):
        limits = {"ONEDNN_MAX_CPU_ISA": ISAS[isa][0], "ATEN_CPU_CAPABILITY": ISAS[isa][1]}
        mkl = {"AVX2": "AVX2", "AVX-512": "AVX512"}[isa]
        environment = os.environ | limits | {"MKL_ENABLE_INSTRUCTIONS": mkl}
        subprocess.run([sys.executable, __file__, name], env=environment, check=True)
        return
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # what was compiled before would be found again
    prepare_process()
    build, rounds = ROWS[row]
    ways = build(on_old_cpu=bool(isa))
    compiling = None
    if COMPILED in ways:
        start = time.perf_counter()
        ways[COMPILED]()
        compiling = time.perf_counter() - start
    found = timed(ways, rounds)
    if compiling is not None:
        found["compiling"] = compiling
    keep("instruction sets" if isa else "choices", name, found)


def main() -> None:
    asked = sys.argv[1:] or ["list"]
    others = [f"{row} on {isa}" for isa in ISAS for row in OLD_ROWS]
    if asked == ["list"]:
        print("\n".join([*ROWS, *others]))
    elif asked == ["write"]:
        from speed_page import page

        Path(__file__).parents[1].joinpath("docs", "speed.md").write_text(page(), encoding="utf-8")
    else:
        for name in [*ROWS, *others] if asked == ["all"] else asked:
            measure(name)


if __name__ == "__main__":
    main()
