"""Reading classes and splits off the paths of a folder or an archive.

cat/1.jpg                       class cat
cat/holiday/1.jpg               class cat: folders inside a class only keep its files in order
train/cat/1.jpg                 class cat, given split; under any name that means train, validation or test
training_set/training_set/cat/1.jpg   the same: a single folder around the classes is passed over
cat/train/1.jpg                 the same
photos/train/cat/1.jpg          the same, also where a README stands beside it
test/1.jpg                      no label: what to predict, where train has classes
"""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from convscope.data.classes import natural_order
from convscope.data.sources.source import Split
from convscope.data.sources.split_names import (
    GIVEN_NAMES,
    MASKS,
    Reading,
    as_splits,
    look_like_splits,
    read_splits,
    split_words,
)
from convscope.data.sources.tree import Parts, Tree, may_be_image
from convscope.errors import DataError
from convscope.wording import listed, quoted

_MOST_LOOSE = 0.05
"""A larger share of the images directly in the class folders, and what lies further in only keeps order."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the folders of a tree mean."""

    splits: dict[str, Split] = field(default_factory=dict)
    """Of each folder that is one."""
    splits_inside: bool = False
    """The splits lie inside the classes, not around them."""
    unlabelled: frozenset[str] = frozenset()
    """Outermost folders of images without a class."""
    passed_over: frozenset[str] = frozenset()
    """Outermost folders without an image."""
    masks: frozenset[str] = frozenset()
    """Folders inside the classes that hold what images were marked with."""
    notes: tuple[str, ...] = ()

    @property
    def class_depth(self) -> int:
        """Where in a path the class stands."""
        return 1 if self.splits and not self.splits_inside else 0

    def is_mask(self, parts: Parts) -> bool:
        """Whether a file is no image to classify."""
        inner = self.class_depth + 1
        return len(parts) > inner + 1 and parts[inner] in self.masks

    def split_of(self, parts: Parts) -> Split | None:
        """The split that a file lies in."""
        return self.splits.get(parts[1 if self.splits_inside else 0]) if self.splits else None


def read_layout(tree: Tree, where: str, *, inner_are_groups: bool = False) -> tuple[Tree, Layout]:
    """The tree without what wraps it, and what its folders mean.

    Args:
        tree: of folders and files.
        where: what to call it in a message.
        inner_are_groups: folders inside classes are known to hold groups of images, not classes.

    Raises:
        DataError: split folders beside others, or folders that can be read in two ways.
    """
    tree = without_wrapping(tree)
    layout = _read_outer(tree, where)
    tree = _without_inner_wrapping(tree, layout)
    return tree, _with_inner(tree, layout, where, inner_are_groups=inner_are_groups)


def without_wrapping(tree: Tree) -> Tree:
    """Pass over a single folder around all the others, whatever texts stand beside it."""
    while True:
        holding = tree.holding()
        texts = {parts[0] for parts, _ in tree.files if len(parts) > 1 and (parts[0],) not in holding}
        tops = list(tree.tops() - texts)
        if len(tops) != 1:
            return tree
        (top,) = tops
        if not tree.inside(top) or top.casefold() in GIVEN_NAMES or (top,) in tree.direct():
            return tree
        beside = tree.tops() - {top}
        note = [f"passed over, having no image: {listed(natural_order(beside), 5)}"] if beside else []
        tree = replace(tree.only(top).unwrapped(), notes=(*tree.notes, *note))


def _read_outer(tree: Tree, where: str) -> Layout:
    tops = natural_order(tree.tops())
    readings = read_splits(tops)
    splits = as_splits(readings)
    if "train" not in splits.values():
        return _without_train(tops, splits, where)
    holding, direct = tree.holding(), tree.direct()
    trains = [top for top, split in splits.items() if split == "train"]
    flat = any((top,) in direct for top in trains)
    nested = any((top, inner) in tree.folders for top in trains for inner in tree.inside(top))
    others = [top for top in tops if readings[top] is None]
    beside = [top for top in others if (top,) in holding]
    if beside and (flat or not nested):
        return Layout(notes=(_taken_for_classes(trains),))
    if beside:
        raise DataError(
            f"{where} has split folders ({', '.join(splits)}) and others beside them: {listed(beside, 5)}.\n"
            "Move the others away, or put the classes side by side without splits."
        )
    return Layout(
        splits=splits,
        unlabelled=frozenset(top for top in tops if readings[top] == "unlabelled"),
        passed_over=frozenset(others),
        notes=(
            *_read_as(splits),
            *([f"passed over, having no image: {listed(others, 5)}"] if others else []),
        ),
    )


def _without_train(tops: Sequence[str], splits: dict[str, Split], where: str) -> Layout:
    if splits and len(splits) == len(tops):
        return Layout(splits=splits, notes=_read_as(splits))
    if look_like_splits(tops):
        raise DataError(
            f"{where}: {listed(tops, 5)} look like splits, but not like which. "
            "Name them train, validation and test, with class folders inside; or name one of them."
        )
    return Layout(notes=(_taken_for_classes(list(splits)),) if splits else ())


def _taken_for_classes(names: Sequence[str]) -> str:
    what = (
        "is taken for a class, not for a split"
        if len(names) == 1
        else "are taken for classes, not for splits"
    )
    return f"{quoted(names)} {what}, as there are others beside that are none"


def _read_as(splits: dict[str, Split]) -> tuple[str, ...]:
    """What to say where a split has another name than usual."""
    renamed = [f"{name} as {split}" for name, split in splits.items() if name.casefold() not in GIVEN_NAMES]
    return (f"the folders are read as splits: {listed(renamed, 5)}",) if renamed else ()


def _without_inner_wrapping(tree: Tree, layout: Layout) -> Tree:
    """Pass over train/train and test/images, as some archives have them."""
    direct = tree.direct()
    wrapping = set()
    for top in (*layout.splits, *layout.unlabelled):
        inner = tree.inside(top)
        if len(inner) == 1 and (top,) not in direct:
            (only,) = inner
            means: Reading = read_splits([only])[only]
            same = means == layout.splits.get(top, "unlabelled") or only.casefold() == top.casefold()
            if same or not split_words(only):
                wrapping.add((top, only))
    return tree.renamed(lambda parts: (parts[0], *parts[2:]) if parts[:2] in wrapping else parts)


def _with_inner(tree: Tree, layout: Layout, where: str, *, inner_are_groups: bool) -> Layout:
    """The layout, once it is known what lies inside the classes."""
    holding = tree.holding()
    if layout.splits:
        direct = tree.direct()
        apart = [top for top, split in layout.splits.items() if split != "train" and not tree.inside(top)]
        flat = frozenset(top for top in apart if (top,) in direct)
        layout = replace(layout, unlabelled=layout.unlabelled | flat)
    classes = class_folders(tree, layout)
    _refuse_annotations([folder[-1] for folder in classes], where)
    outer = [folder for folder in classes if folder in holding]
    inner: dict[Parts, set[str]] = {folder: set() for folder in outer}
    for folder in holding:
        if folder[:-1] in inner:
            inner[folder[:-1]].add(folder[-1])
    if not outer or _share_directly_in(inner, tree) > _MOST_LOOSE:
        return layout
    names = natural_order(name for inside in inner.values() for name in inside)
    splits = as_splits(read_splits(names))
    if not layout.splits and "train" in splits.values() and len(splits) == len(names):
        note = f"the splits lie inside the classes: {listed(names, 5)}"
        return replace(layout, splits=splits, splits_inside=True, notes=(*layout.notes, note))
    if inner_are_groups or not _same_inside(list(inner.values())):
        return layout
    masks = frozenset(name for name in names if name.casefold() in MASKS)
    if masks and all(len(inside - masks) == 1 for inside in inner.values()):
        note = f"passed over inside the classes: {listed(sorted(masks), 5)}"
        return replace(layout, masks=masks, notes=(*layout.notes, note))
    raise DataError(_two_ways([folder[-1] for folder in outer], names, where))


def _refuse_annotations(classes: Sequence[str], where: str) -> None:
    """Stop at images/ and masks/ side by side: they are no classes."""
    marks = [name for name in classes if name.casefold() in MASKS]
    if marks and all(name in marks or not split_words(name) for name in classes):
        raise DataError(
            f"{where} holds {listed(classes, 5)}: images and what they were marked with, not classes. "
            "Put each class into a folder of its own, or write a table: path,label"
        )


def class_folders(tree: Tree, layout: Layout) -> list[Parts]:
    """The folders that are classes, as often as there are splits of them."""
    depth = layout.class_depth
    left_out = layout.unlabelled | layout.passed_over
    return sorted(parts for parts in tree.folders if len(parts) == depth + 1 and parts[0] not in left_out)


def _share_directly_in(folders: Container[Parts], tree: Tree) -> float:
    """Of the images in some folders, the share that lies in no folder further in."""
    depths = Counter(
        parts[:-1] in folders
        for parts, _ in tree.files
        if may_be_image(parts[-1]) and (parts[:1] in folders or parts[:2] in folders)
    )
    return depths[True] / max(1, depths.total())


def _same_inside(inner: Sequence[set[str]]) -> bool:
    """Whether several folders hold two or more folders of the same names, but for a few."""
    counts = Counter(name for inside in inner for name in inside)
    return len(inner) > 1 and len(counts) > 1 and 4 * sum(counts.values()) >= 3 * len(counts) * len(inner)


def _two_ways(outer: Sequence[str], inner: Sequence[str], where: str) -> str:
    outer = natural_order(outer)
    return (
        f"{where}: its folders {listed(outer, 3)} all hold the same folders, {listed(inner, 3)}: "
        "which are the classes?\n"
        f"Of {inner[0]} and the like: name one of the outer folders, as in {where}/{outer[0]}, or call those "
        f"train, validation and test.\nOf {outer[0]} and the like: say that the inner ones group the images: "
        "--group-by '[^/]+/([^/]+)/'"
    )
