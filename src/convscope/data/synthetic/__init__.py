"""Images that are drawn, not taken."""
