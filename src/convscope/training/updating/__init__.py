"""What an update does to weights and their statistics, and what watches it."""
