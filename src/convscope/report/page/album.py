"""The images that a report shows, within a budget of bytes."""

from dataclasses import dataclass

from convscope.report.page.embed import image_uri
from convscope.report.page.material import Material

_BUDGET = 5_000_000  # characters, so that the page stays below 10 MB whatever the run
_SMALL = 64


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An image, what it is, what it was taken for, and a note on that."""

    uri: str
    alt: str
    id: str
    is_small: bool
    """Few pixels, which are enlarged as sharp squares."""
    truth: str = ""
    answer: str = ""
    note: str = ""


class Album:
    """Turns rows of a split into images for the page, and keeps count of the bytes."""

    def __init__(self, material: Material, split: str) -> None:
        self._thumbnails = material.thumbnails
        self._split = split
        self._left = _BUDGET
        self.left_out = 0

    def has(self, row: int) -> bool:
        """Whether the run kept this image."""
        return (self._split, row) in self._thumbnails

    def show(
        self, row: int, *, id: str, alt: str, truth: str, answer: str = "", note: str = ""
    ) -> list[Shown]:
        """The image of a row, in a list of one; of none where the run did not keep it or the page is full."""
        image = self._thumbnails.get((self._split, row))
        if image is None:
            return []
        uri = image_uri(image)
        if len(uri) > self._left:
            self.left_out += 1
            return []
        self._left -= len(uri)
        small = max(image.shape[:2]) <= _SMALL
        return [Shown(uri=uri, alt=alt, id=id, is_small=small, truth=truth, answer=answer, note=note)]
