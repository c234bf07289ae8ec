"""The server that one writes in ten minutes: FastAPI, PyTorch and torchvision, one image at a time.

    python benchmarks/peers/plain_server.py RUN PORT

It has the run's weights and preprocessing, and no more: whatever comes is decoded, computed and answered by a
handler that FastAPI runs in its pool of threads, as its documentation has it for work that blocks.
"""

import io
import sys
from typing import Any

import torch
import uvicorn
from fastapi import Body, FastAPI
from PIL import Image
from torchvision.transforms import v2

import convscope as cs


def make_app(run: str) -> FastAPI:
    """One handler for one run."""
    classifier = cs.load(run)
    network, names = classifier.network, classifier.class_names
    preprocessing = classifier.preprocessing
    mode = "L" if preprocessing.channels == 1 else "RGB"
    to_tensor = v2.Compose(
        [v2.Resize(preprocessing.size), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    )
    app = FastAPI()

    @app.post("/predict")
    def predict(image: bytes = Body(media_type="image/png")) -> dict[str, Any]:
        pixels = to_tensor(Image.open(io.BytesIO(image)).convert(mode))
        with torch.inference_mode():
            standardised = (pixels - preprocessing.mean) / preprocessing.std
            probabilities = network(standardised[None]).softmax(1)[0].tolist()
        best = max(range(len(names)), key=probabilities.__getitem__)
        return {
            "class": names[best],
            "probability": probabilities[best],
            "probabilities": dict(zip(names, probabilities, strict=True)),
        }

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="error", access_log=False)
