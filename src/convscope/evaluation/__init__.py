"""Predictions to figures: functions of arrays, and the classifier that makes them."""
