"""ONNX Runtime, as its Python tutorial writes it: a session, and `run` with numpy arrays; its defaults."""

from typing import Any

import numpy as np
import onnxruntime
from protocol import Task, answer, median_seconds


def vgg16(task: Task) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = onnxruntime.InferenceSession(
        str(task.data / "vgg16.onnx"), options, providers=["CPUExecutionProvider"]
    )
    images = (0.1 * np.random.default_rng(task.seed).standard_normal((8, 3, 224, 224))).astype(np.float32)
    seconds = median_seconds(lambda: session.run(None, {"images": images}), task)
    return {"forward_ms": 1000 * seconds / len(images)}


if __name__ == "__main__":
    answer({"vgg16": vgg16})
