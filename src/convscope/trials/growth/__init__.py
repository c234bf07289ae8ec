"""What more images would bring: a learning curve of what is there, and a power law through it."""
