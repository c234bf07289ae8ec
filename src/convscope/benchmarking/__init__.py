"""Time and memory of a network, honestly: in rounds that others left alone, beside the device's peak."""
