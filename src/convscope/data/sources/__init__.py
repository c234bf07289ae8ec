"""Where images come from; each source yields the same two shapes of thing."""
