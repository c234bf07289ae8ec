"""Which image stands in which split: decided by content and seed, copies and groups together."""
