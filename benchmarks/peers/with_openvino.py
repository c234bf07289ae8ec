"""OpenVINO, as its documentation writes it: read_model, compile_model, and the compiled model called.

The hint is latency, its default for a single request. By default OpenVINO multiplies in bfloat16 where the
CPU does so natively; `--variant float32` asks for float32.
"""

from typing import Any

import numpy as np
import openvino as ov
from protocol import Task, answer, median_seconds


def vgg16(task: Task) -> dict[str, Any]:
    core = ov.Core()
    options = {"INFERENCE_NUM_THREADS": task.threads, "PERFORMANCE_HINT": "LATENCY"}
    if task.variant == "float32":
        options["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(core.read_model(task.data / "vgg16.onnx"), "CPU", options)
    images = (0.1 * np.random.default_rng(task.seed).standard_normal((8, 3, 224, 224))).astype(np.float32)
    seconds = median_seconds(lambda: compiled({"images": images}), task)
    return {
        "forward_ms": 1000 * seconds / len(images),
        "precision": str(compiled.get_property("INFERENCE_PRECISION_HINT")),
    }


if __name__ == "__main__":
    answer({"vgg16": vgg16})
