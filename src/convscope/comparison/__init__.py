"""Runs against runs: is it better, or luck? Reads what runs hold; trains nothing."""
