"""`report.html`: everything about a run in one file that opens offline."""
