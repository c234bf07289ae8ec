"""Architectures, their initial weights, and what can be computed from their structure."""
