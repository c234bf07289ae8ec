"""Predictions to figures: functions of arrays."""
