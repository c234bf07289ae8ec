"""What a trained network has learned, as arrays; drawing is elsewhere."""
