"""AutoGluon's MultiModalPredictor, as its tutorial "AutoMM for image classification: quick start" writes it.

Its default backbone comes from a hub; where there is none, that is the result. `photos-lite0` gives it the
same backbone as every peer, as a folder of weights in the form in which it writes its own.
"""

import json
from pathlib import Path
from typing import Any

from protocol import Task, answer, judge


def photos(task: Task) -> dict[str, Any]:
    return over_folds(task, {})


def photos_lite0(task: Task) -> dict[str, Any]:
    return over_folds(
        task, {"model.names": ["timm_image"], "model.timm_image.checkpoint_name": str(lite0_folder(task))}
    )


def over_folds(task: Task, hyperparameters: dict[str, Any]) -> dict[str, Any]:
    from autogluon.multimodal import MultiModalPredictor

    if task.quick:
        hyperparameters |= {"optim.max_epochs": 1}
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.data / "photos").glob("fold-*")):
        train, test = (table(fold / split) for split in ("train", "test"))
        predictor = MultiModalPredictor(label="label", path=str(task.scratch / fold.name), verbosity=1)
        predictor.fit(train_data=train, hyperparameters=hyperparameters, seed=task.seed)
        probabilities += predictor.predict_proba(test).to_numpy().tolist()
        labels += test["label"].tolist()
        if task.quick:
            break
    return judge(probabilities, labels)


def table(folder: Path) -> Any:
    import pandas as pd

    classes = sorted(folder.iterdir())
    rows = [(str(path), label) for label, each in enumerate(classes) for path in sorted(each.iterdir())]
    return pd.DataFrame(rows, columns=["image", "label"])


def lite0_folder(task: Task) -> Path:
    """`config.json` and `pytorch_model.bin`, as AutoGluon's `dump_model` leaves them."""
    import torch
    from torch_lite0 import MEAN, NAME, STD, lite0

    folder = task.scratch / "lite0"
    folder.mkdir()
    config = {
        "architecture": NAME,
        "num_classes": 0,
        "num_features": 1280,
        "pretrained_cfg": {"mean": MEAN, "std": STD, "input_size": [3, 224, 224]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(lite0(num_classes=0).state_dict(), folder / "pytorch_model.bin")
    return folder


if __name__ == "__main__":
    answer({"photos": photos, "photos-lite0": photos_lite0})
