"""Preprocessing + network + class names: load, predict, save."""
