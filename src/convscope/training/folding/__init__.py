"""Cross-validation: every image held out once."""
