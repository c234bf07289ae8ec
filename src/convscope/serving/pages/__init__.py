"""What people see: one file a page, rendered on the server; each has a `router`."""
