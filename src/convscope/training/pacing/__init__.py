"""When what is due, how long a training lasts, and how it is stopped."""
