"""What an augmentation may be told in text, and what it answers when told nonsense."""

import pytest

from convscope.data.augmentation import PRESETS, Augmentation
from convscope.data.augmentation.operations import OPERATIONS, FlipHorizontal, Rotate
from convscope.errors import UsageError


def names(augmentation: Augmentation) -> set[str]:
    kinds = {type(operation) for operation in augmentation.operations}
    return {name for name, kind in OPERATIONS.items() if kind in kinds}


def test_operations_take_their_strength_or_a_default() -> None:
    assert Augmentation.from_text("rotate=15, flip-horizontal") == Augmentation(
        (FlipHorizontal(), Rotate(15.0))
    )


def test_a_preset_can_be_changed_by_what_follows_it() -> None:
    changed = Augmentation.from_text("photos, rotate=0, hue=0.1, zoom=0.5")
    assert names(changed) == names(Augmentation.from_text("photos")) - {"rotate"} | {"hue"}
    assert "zoom=0.5" in str(changed)


@pytest.mark.parametrize("text", [*PRESETS, *OPERATIONS, "photos, mixup, blur=1.25"])
def test_the_text_of_an_augmentation_makes_the_same_one(text: str) -> None:
    augmentation = Augmentation.from_text(text)
    assert Augmentation.from_text(str(augmentation)) == augmentation


def test_presets_hold_nothing_that_changes_the_label_of_their_data() -> None:
    moves = {"flip-horizontal", "flip-vertical", "quarter-turns"}
    assert not names(Augmentation.from_text("digits")) & moves
    assert names(Augmentation.from_text("symmetric")) == moves
    assert names(Augmentation.from_text("photos")) & moves == {"flip-horizontal"}
    assert names(Augmentation.from_text("none")) == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flip-horizontl", "did you mean flip-horizontal"),
        ("photo", "did you mean photos"),
        ("xyzzy", "there are: none, photos"),
        ("photos=2", "did you mean photos"),
        ("rotate=lots", "degrees is a number"),
        ("rotate=200", "from 0 to 180"),
        ("rotate=nan", "from 0 to 180"),
        ("pad-and-crop=1.5", "pixels is a whole number"),
        ("shift=-0.1", "from 0 to 0.5"),
        ("mixup=", "alpha is a number"),
    ],
)
def test_nonsense_is_refused_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Augmentation.from_text(text)
