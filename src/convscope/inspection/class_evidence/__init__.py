"""Where in an image a class is seen, and whether a picture of that can be believed."""
