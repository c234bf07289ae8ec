"""What answers a question by training, or by measuring in place of it."""
