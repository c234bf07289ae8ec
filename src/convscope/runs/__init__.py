"""The run folder: the only bridge between training and everything after it."""
