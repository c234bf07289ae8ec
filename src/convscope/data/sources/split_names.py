"""Which split a name means: that of a folder, of a file, or in a table."""

import re
from collections.abc import Sequence
from typing import Literal

from convscope.data.sources.source import Split

Reading = Split | Literal["unlabelled"] | None

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "trn": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
}
"""As Hugging Face reads them: what is called `eval` is a test."""
GIVEN_NAMES = frozenset({"train", "training", "validation", "valid", "val", "test", "testing"})
"""Names that need no word of explanation."""
MASKS = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations"}
    | {"ground_truth", "groundtruth", "gt"}
)
"""Folders of these names beside one of images hold what the images were marked with."""

_UNLABELLED = frozenset(
    {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "inference", "submission"}
)
_FILLERS = frozenset(
    {"set", "data", "dataset", "images", "image", "imgs", "img", "photos", "pictures", "split", "samples"}
    | {"files", "folder", "all"}
)


def read_split(name: str) -> Split | None:
    """The split that a name means: `train`, `Training`, `test_set`, `valImages`, `train2017`; or None."""
    words = split_words(name)
    return SPLIT_NAMES.get(words[0]) if len(words) == 1 else None


def read_splits(names: Sequence[str]) -> dict[str, Reading]:
    """The split that each of some names beside each other means; what all have in common says nothing.

    So seg_train, seg_test and seg_pred are read; the last is `unlabelled`: images to predict.
    """
    words = {name: split_words(name) for name in names}
    telling = [set(said) for said in words.values() if said and _tells(said)]
    common = set.intersection(*telling) - SPLIT_NAMES.keys() if len(telling) > 1 else set()
    readings: dict[str, Reading] = {}
    for name, said in words.items():
        left = [word for word in said if word not in common]
        one = left[0] if len(left) == 1 else ""
        readings[name] = "unlabelled" if one in _UNLABELLED else SPLIT_NAMES.get(one)
    return readings


def as_splits(readings: dict[str, Reading]) -> dict[str, Split]:
    """Those of some names that are splits."""
    return {name: read for name, read in readings.items() if read is not None and read != "unlabelled"}


def look_like_splits(names: Sequence[str]) -> bool:
    """Whether all of some names speak of splits, and not all of the same."""
    spoken = [{SPLIT_NAMES[word] for word in split_words(name) if word in SPLIT_NAMES} for name in names]
    return bool(spoken) and all(spoken) and len(set.union(*spoken)) > 1


def split_words(name: str) -> list[str]:
    """What a name says, without words such as `set` and `images` that say nothing of the split."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = [word for word in re.split(r"[\W_\d]+", apart.casefold()) if word]
    return [word for word in map(_without_filler, words) if word not in _FILLERS]


def _tells(words: Sequence[str]) -> bool:
    return any(word in SPLIT_NAMES or word in _UNLABELLED for word in words)


def _without_filler(word: str) -> str:
    """`trainset` is train, and `testdata` test."""
    for split in SPLIT_NAMES:
        if word.startswith(split) and word[len(split) :] in _FILLERS:
            return split
    return word
