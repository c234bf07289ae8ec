"""From a tree of files to a source: each file a labelled image, or set aside with its reason."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from convscope.data.classes import canonical, look_alikes, natural_key, natural_order
from convscope.data.pixels.decoding import probe
from convscope.data.quarantine import NO_LABEL, BrokenImage, Quarantined
from convscope.data.sources.layout import Layout, class_folders, read_layout
from convscope.data.sources.own import without_own
from convscope.data.sources.source import Content, FileSource, Item
from convscope.data.sources.split_names import split_words
from convscope.data.sources.table import SUFFIXES
from convscope.data.sources.tree import Parts, Tree, looks_like_image, may_be_image
from convscope.errors import DataError
from convscope.wording import command, here

_HEADER_BYTES = 1 << 16


def arrange(tree: Tree, name: str, location: Path, *, inner_are_groups: bool = False) -> FileSource:
    """Turn a tree of files into a source.

    Args:
        tree: what there is.
        name: what the source is called.
        location: where it lies, for messages.
        inner_are_groups: folders inside classes are known to hold groups of images, not classes.

    Raises:
        DataError: no class folder; split folders beside others; or folders that can be read in two ways.
    """
    where = here(location)
    tree, layout = read_layout(without_own(tree), where, inner_are_groups=inner_are_groups)
    items: list[Item] = []
    quarantined = list(tree.quarantined)
    least = 2 if layout.splits else 1
    for parts, content in tree.files:
        if parts[0] in layout.passed_over or layout.is_mask(parts):
            continue
        if parts[0] in layout.unlabelled:
            quarantined += [Quarantined("/".join(parts), NO_LABEL)] if may_be_image(parts[-1]) else []
        elif len(parts) <= least:
            quarantined += _stray(parts, content)
        else:
            label = canonical(parts[layout.class_depth])
            items.append(Item("/".join(parts), label, layout.split_of(parts), None, content))
    class_names = natural_order(canonical(names[-1]) for names in class_folders(tree, layout))
    if not class_names or (len(class_names) == 1 and not split_words(class_names[0]) and _tables(tree)):
        raise DataError(_no_classes(tree, name, where))
    return FileSource(
        name=name,
        location=location,
        items=tuple(sorted(items, key=lambda item: natural_key(item.id))),
        class_names=class_names,
        quarantined=tuple(sorted(quarantined, key=lambda entry: natural_key(entry.path))),
        notes=(
            *tree.notes,
            *layout.notes,
            *_unlabelled(layout, quarantined),
            *look_alikes(class_names),
        ),
    )


def _unlabelled(layout: Layout, quarantined: Sequence[Quarantined]) -> list[str]:
    tops = Counter(entry.path.partition("/")[0] for entry in quarantined if entry.reason == NO_LABEL)
    return [
        f"{top}/ has no class folders; its {count:,} images have no label and are for predict: "
        f"{command('convscope', 'predict', 'RUN', f'…/{top}')}"
        for top, count in tops.items()
        if top in layout.unlabelled
    ]


def _no_classes(tree: Tree, name: str, where: str) -> str:
    loose = Counter("/".join(parts[:-1]) for parts, _ in tree.files if looks_like_image(parts[-1]))
    tables = _tables(tree)
    place = {folder: f"{count:,} images in {folder or 'it'}" for folder, count in loose.most_common(3)}
    has = f"{where} has no class folders" + (f", and {', '.join(place.values())}" if place else "")
    if tables:
        return f"{has}. If a table beside them has the labels, give that: {where}/{'/'.join(tables[0])}"
    return f"{has}. Put each class into a folder of its own: {name}/cat/1.jpg, {name}/dog/2.jpg"


def _tables(tree: Tree) -> list[Parts]:
    return sorted(parts for parts, _ in tree.files if parts[-1].casefold().endswith(SUFFIXES))


def _stray(parts: Parts, content: Content) -> Sequence[Quarantined]:
    """A file outside the class folders is only mentioned when it was meant to be an image."""
    if not looks_like_image(parts[-1]):
        return ()
    try:
        probe(content.read(_HEADER_BYTES))
    except BrokenImage as broken:
        return (Quarantined("/".join(parts), str(broken)),)
    return (Quarantined("/".join(parts), "lies in no class folder"),)
