"""Images and numbers as pictures."""
