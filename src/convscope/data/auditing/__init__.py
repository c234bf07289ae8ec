"""What is wrong with some data, before anything is trained on it."""
