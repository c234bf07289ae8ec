"""Ultralytics' classifier, as its documentation writes it: YOLO(...).train(data=..., epochs=..., imgsz=...).

It trains networks of its own. Its documentation begins with pretrained weights (yolo11n-cls.pt), which it
downloads; without a network it can only begin from the .yaml, that is from random weights, as the page
"Train" calls it. Images from folders; batches of 16 and all else at its defaults. It selects the best epoch
on the images that it validates on, which here are the test images: an advantage that no other peer has.
"""

from typing import Any

from protocol import GOAL, Task, answer, judge, seconds_from_start

NETWORK = "yolo11n-cls"


def train(task: Task, network: str, **options: Any) -> Any:
    from ultralytics import YOLO

    model = YOLO(network)
    if task.quick:
        options |= {"epochs": 1, "fraction": 0.01}
    model.train(
        project=str(task.scratch),
        seed=task.seed,
        device="cpu",
        workers=2,
        verbose=False,
        plots=False,
        **options,
    )
    return model


def mnist(task: Task) -> dict[str, Any]:
    """The accuracy after each epoch; those epochs count of which each ends before the limit."""
    import time

    from ultralytics import YOLO

    model = YOLO(f"{NETWORK}.yaml")
    seen: dict[str, Any] = {"accuracy": 0.0, "arrived": False, "steps": 0}
    start = time.perf_counter()

    def look(trainer: Any) -> None:
        seen["accuracy"] = float(trainer.metrics["metrics/accuracy_top1"])
        seen["steps"] += len(trainer.train_loader)
        seconds = time.perf_counter() - start
        if seen["accuracy"] >= GOAL:
            seen.update(arrived=True, seconds_of_training=seconds, seconds_from_start=seconds_from_start())
        trainer.stop = seen["arrived"] or seconds > task.limit or task.quick

    model.add_callback("on_fit_epoch_end", look)
    model.train(
        data=str(task.data / "mnist-png"),
        epochs=100,
        imgsz=28,
        fraction=0.01 if task.quick else 1.0,
        project=str(task.scratch),
        seed=task.seed,
        device="cpu",
        workers=2,
        verbose=False,
        plots=False,
    )
    none = {"seconds_of_training": None, "seconds_from_start": None}
    return none | {"network": f"{NETWORK}, its own"} | seen


def cifar10(task: Task) -> dict[str, Any]:
    model = train(task, f"{NETWORK}.yaml", data=str(task.data / "cifar10"), epochs=task.epochs, imgsz=32)
    found = model.val(data=str(task.data / "cifar10"), device="cpu", workers=2, plots=False, verbose=False)
    return {"accuracy": float(found.top1), "network": f"{NETWORK}, its own"}


def photos(task: Task) -> dict[str, Any]:
    """As documented, from pretrained weights; what happens without a network is the result."""
    return over_folds(task, f"{NETWORK}.pt")


def photos_from_scratch(task: Task) -> dict[str, Any]:
    return over_folds(task, f"{NETWORK}.yaml")


def over_folds(task: Task, network: str) -> dict[str, Any]:
    probabilities: list[Any] = []
    labels: list[int] = []
    for fold in sorted((task.data / "photos").glob("fold-*")):
        model = train(task, network, data=str(fold), epochs=8, imgsz=224)
        for index, folder in enumerate(sorted((fold / "test").iterdir())):
            assert model.names[index] == folder.name
            for found in model.predict(str(folder), stream=True, verbose=False, device="cpu"):
                probabilities.append(found.probs.data.tolist())
                labels.append(index)
    return judge(probabilities, labels)


if __name__ == "__main__":
    answer({"mnist": mnist, "cifar10": cifar10, "photos": photos, "photos-from-scratch": photos_from_scratch})
