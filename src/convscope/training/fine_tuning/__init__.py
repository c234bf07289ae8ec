"""A pretrained network's head, fitted exactly, and which of its stages learn how fast."""
