"""One usable image, known by its content."""

from dataclasses import dataclass

from convscope.data.sources.source import Split


@dataclass(frozen=True, slots=True)
class Example:
    """What deciding about an image needs; its pixels lie elsewhere, in row `row`."""

    id: str
    hash: str
    """Content hash of the file, or of the pixels of an array source."""
    label: str | float
    split: Split | None
    """As the source gives it."""
    group: str | None
    row: int
    official: bool = False
    """The split is part of a published data set and stays as published."""
