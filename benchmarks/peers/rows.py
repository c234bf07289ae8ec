"""What is compared: the peers, the rows, and which figures of a row are told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A script, and the environment that it runs in."""

    environment: str
    script: str
    variant: str = ""


PEERS = {
    "convscope": Peer("convscope", "with_convscope.py"),
    "convscope, its default": Peer("convscope", "with_convscope.py", "default"),
    "PyTorch, tutorial": Peer("torch", "pytorch_tutorial.py"),
    "PyTorch, tuned": Peer("torch", "pytorch_tuned.py"),
    "PyTorch, tuned and compiled": Peer("torch", "pytorch_tuned.py", "compiled"),
    "PyTorch, tuned, heap kept": Peer("torch", "pytorch_tuned.py", "kept-heap"),
    "Lightning": Peer("lightning", "with_lightning.py"),
    "fastai": Peer("fastai", "with_fastai.py"),
    "Keras": Peer("keras", "with_keras.py"),
    "Ultralytics": Peer("ultralytics", "with_ultralytics.py"),
    "AutoGluon": Peer("autogluon", "with_autogluon.py"),
    "ONNX Runtime": Peer("onnxruntime", "with_onnxruntime.py"),
    "OpenVINO": Peer("openvino", "with_openvino.py"),
    "OpenVINO, float32": Peer("openvino", "with_openvino.py", "float32"),
}

TORCH = (
    "PyTorch, tutorial",
    "PyTorch, tuned",
    "PyTorch, tuned and compiled",
    "PyTorch, tuned, heap kept",
)


@dataclass(frozen=True)
class Row:
    """One table.

    Attributes:
        figures: (key in a peer's answer, heading, how it is written).
        ratios: the figures of which each peer's ratio to convscope is told; less is better.
        rounds: how often each peer is asked, in turn.
        counts_start: compiling anew belongs to what is measured.
        tells_offline: begins from trained weights, which not everybody has without a network.
        why: what explains it where convscope is not ahead; told only there.
    """

    title: str
    peers: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    ratios: tuple[str, ...]
    rounds: int
    counts_start: bool = True
    tells_offline: bool = False
    why: str = ""


ACCURACY = ("accuracy", "accuracy", ".2%")
FROM_START = ("seconds_from_start", "seconds from process start", ".1f")
MEMORY = ("peak_mb", "peak memory, MB", ",.0f")

ROWS = {
    "mnist": Row(
        "two-conv on MNIST: training to 98.5 % of the test images",
        ("convscope", *TORCH, "Lightning", "fastai", "Keras", "Ultralytics"),
        (("seconds_of_training", "seconds of training", ".1f"), FROM_START, ("steps", "steps", ",.0f")),
        ("seconds_of_training", "seconds_from_start"),
        rounds=10,
        why="The peers stop at the first look that is good enough, and are looked at every 100 steps; "
        "convscope trains to the end of the schedule that it planned.",
    ),
    "vgg12-step": Row(
        "vgg12: a step of training, 100 images of 32 × 32, Adam",
        ("convscope", *TORCH, "Lightning", "fastai", "Keras"),
        (("seconds_a_step", "seconds a step", ".3f"), MEMORY),
        ("seconds_a_step",),
        rounds=5,
        counts_start=False,
        why="The step is PyTorch's, whoever calls it; the tuned one computes as convscope's does, "
        "and a kept heap, of which convscope's command takes care by itself, is most of what is left.",
    ),
    "cifar10": Row(
        "small-resnet on CIFAR-10 (JPEG copy), equal epochs",
        ("convscope", "convscope, its default", *TORCH, "Lightning", "fastai", "Keras", "Ultralytics"),
        (ACCURACY, FROM_START, MEMORY),
        ("seconds_from_start",),
        rounds=3,
        why="Before its first step convscope reads and checks every image, and at the end it writes a "
        "report. The seconds are to be held against the accuracy.",
    ),
    "vgg16": Row(
        "VGG-16, 8 photos of 224 × 224: milliseconds a photo",
        ("convscope", *TORCH, "Keras", "ONNX Runtime", "OpenVINO", "OpenVINO, float32"),
        (("forward_ms", "forward", ".1f"), ("forward_backward_ms", "forward and backward", ".0f"), MEMORY),
        ("forward_ms", "forward_backward_ms"),
        rounds=5,
        counts_start=False,
        why="convscope predicts in float32, whatever the machine multiplies in; OpenVINO and tuned PyTorch "
        "take bfloat16 here. In float32 too, ONNX Runtime and OpenVINO join each convolution with its "
        "bias and ReLU and lay the weights out once, when they load.",
    ),
    "photos": Row(
        "332 photos of cats and kittens, the same five folds",
        ("convscope", "PyTorch, tutorial", "Lightning", "fastai", "Keras", "Ultralytics", "AutoGluon"),
        (ACCURACY, ("log_loss", "log loss", ".3f"), FROM_START, MEMORY),
        ("seconds_from_start",),
        rounds=1,
        tells_offline=True,
        why="convscope trains most of the backbone, at 256 pixels, and once more on all photos. Who fits the "
        "head alone is done sooner; the seconds are to be held against the accuracy.",
    ),
    "photos-from-scratch": Row(
        "the same photos, from random weights, where a peer has no others without a network",
        ("Ultralytics",),
        (ACCURACY, ("log_loss", "log loss", ".3f"), FROM_START, MEMORY),
        ("seconds_from_start",),
        rounds=1,
    ),
    "photos-lite0": Row(
        "the same photos, with the others' backbone given by hand",
        ("AutoGluon",),
        (ACCURACY, ("log_loss", "log loss", ".3f"), FROM_START, MEMORY),
        ("seconds_from_start",),
        rounds=1,
    ),
}
