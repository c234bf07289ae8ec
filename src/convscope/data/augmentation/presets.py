"""Ready lists of operations. None of them can change the label of the data it is made for."""

from convscope.data.augmentation.operations import (
    Brightness,
    Contrast,
    EdgePadding,
    FlipHorizontal,
    FlipVertical,
    Operation,
    PadAndCrop,
    Perspective,
    QuarterTurns,
    Rotate,
    Saturation,
    Shift,
    Zoom,
)

PRESETS: dict[str, tuple[Operation, ...]] = {
    "none": (),
    # Things photographed upright: left and right may be swapped, top and bottom may not.
    "photos": (
        FlipHorizontal(0.5),
        Shift(0.05),
        Rotate(10.0),
        Zoom(0.2),
        Perspective(0.15),
        Brightness(0.2),
        Contrast(0.2),
        Saturation(0.2),
    ),
    # A mirrored 2 is no 2, and a 6 turned by 180 degrees is a 9: small moves only.
    "digits": (PadAndCrop(2), EdgePadding(), Rotate(8.0), Zoom(0.1)),
    # Pictures without an up or a left, all of which counts (cells, circles): nothing is cropped or resampled.
    "symmetric": (FlipHorizontal(0.5), FlipVertical(0.5), QuarterTurns(0.75)),
    # Small photos, 32 px: only exact moves, because resampling blurs what little there is.
    "cifar": (FlipHorizontal(0.5), PadAndCrop(4)),
}
"""Operations by the name of the preset."""
