"""The lens of each opened run. Loads torch only when the first run is opened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from convscope.looking.subject import Subject
    from convscope.serving.lens.lens import Lens


class Lenses:
    """The lens of each opened run; it goes when the run's model is let go."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Subject, Lens] = WeakKeyDictionary()
        self._turn = threading.Lock()

    def of(self, subject: Subject) -> Lens:
        """The one lens of a subject."""
        from convscope.serving.lens.lens import Lens

        with self._turn:
            if subject not in self._of:
                self._of[subject] = Lens(subject)
            return self._of[subject]
