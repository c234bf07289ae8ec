"""The pictures of the reference experiments: from runs, or from a race, to small files."""
