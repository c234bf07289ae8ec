"""Which split a name means: that of a folder, of a file, or in a table."""

import re

from convscope.data.sources.source import Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
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
UNLABELLED = frozenset(
    {"pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled", "inference"}
)
"""Folders of these names hold what is to be predicted, where they stand beside splits."""
_FILLERS = frozenset(
    {
        "set",
        "data",
        "dataset",
        "images",
        "image",
        "imgs",
        "img",
        "photos",
        "pictures",
        "split",
        "samples",
        "files",
        "folder",
    }
)


def read_split(name: str) -> Split | None:
    """The split that a name means: `train`, `Training`, `test_set`, `valImages`, `train2017`; or None."""
    words = split_words(name)
    return SPLIT_NAMES.get(words[0]) if len(words) == 1 else None


def split_words(name: str) -> list[str]:
    """What a name says, without words such as `set` and `images` that say nothing of the split."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = [word for word in re.split(r"[\W_\d]+", apart.casefold()) if word]
    cut = [_without_filler(word) for word in words]
    return [word for word in cut if word not in _FILLERS]


def _without_filler(word: str) -> str:
    """`trainset` is train, and `testdata` test."""
    for split in SPLIT_NAMES:
        if word.startswith(split) and word[len(split) :] in _FILLERS:
            return split
    return word
