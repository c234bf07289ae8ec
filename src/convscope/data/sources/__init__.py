"""Where images come from; each source yields the same two shapes of thing."""

from convscope.data.sources.source import ArraySource, FileSource, Item, Quarantined, Split

__all__ = ["ArraySource", "FileSource", "Item", "Quarantined", "Split"]
