"""What the source of E14 reports of VGG-16: forward and backward on two machines, by batch size."""

from dataclasses import dataclass

NETWORK = "vgg16"
IMAGE_SHAPE = (3, 224, 224)


@dataclass(frozen=True, kw_only=True)
class ReportedTimes:
    """Seconds for a batch, forward and backward."""

    machine: str
    seconds: dict[int, float]
    """By batch size."""


DESKTOP_GPU = ReportedTimes(
    machine="desktop GPU",
    seconds=dict(enumerate((0.055, 0.060, 0.072, 0.086, 0.101, 0.115, 0.133, 0.146, 0.166), start=1)),
)
LAPTOP_CPU = ReportedTimes(
    machine="laptop CPU",
    seconds=dict(enumerate((0.925, 1.532, 2.047, 2.645, 3.117, 3.703, 4.892, 5.887, 6.799), start=1)),
)
REPORTED = (DESKTOP_GPU, LAPTOP_CPU)
