"""From a configuration and data to a run."""
