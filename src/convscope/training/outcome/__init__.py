"""What a training writes of its data and its results."""
