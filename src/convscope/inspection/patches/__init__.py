"""What excites a unit most, and what in it does."""
