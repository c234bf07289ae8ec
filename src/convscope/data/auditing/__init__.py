"""A source audited: what its images are, and which are broken, alike, odd or leaking."""
