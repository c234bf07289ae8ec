"""Where images come from; each source yields the same two shapes of thing."""

from convscope.data.sources.opening import open_source
from convscope.data.sources.source import ArraySource, FileSource, Item, Split

__all__ = ["ArraySource", "FileSource", "Item", "Split", "open_source"]
