"""Tables of images: CSV, JSON lines and Parquet, with paths in them or with the images themselves."""

from convscope.data.sources.table.labels import guess_task
from convscope.data.sources.table.table import SUFFIXES, open_table, open_tables

__all__ = ["SUFFIXES", "guess_task", "open_table", "open_tables"]
