"""What convscope itself wrote among the images: runs, saved classifiers and pictures. It is no data."""

import json
import re
from dataclasses import replace

from convscope.data.quarantine import BrokenImage
from convscope.data.sources.source import Content
from convscope.data.sources.tree import Parts, Tree
from convscope.wording import listed

_DESCRIPTION = "config.json"
_DESCRIBED = {"network", "preprocessing"}
"""What the description of a run and that of a saved classifier have in common."""
_PICTURE = re.compile(r".+-(samples|augmentation|learning-rate)\.(png|svg)|report\.html")
_RUNS = "runs"


def without_own(tree: Tree, *, pictures: bool = True) -> Tree:
    """All but convscope's own files, with a note that says what was passed over.

    A picture is taken for its own only by its name and outside all folders, where `convscope data` writes it;
    with `pictures` False, none is.
    """
    own = {parts[:-1] for parts, content in tree.files if _describes(parts, content)}
    if () in own:
        return tree  # a run, given as data: it is not passed over without a trace
    loose = {parts for parts, _ in tree.files if len(parts) == 1 and _PICTURE.fullmatch(parts[0])}
    drawn = loose if pictures else set()
    left = tree.without(lambda parts: parts in drawn or _lies_in(parts, own))
    empty = _emptied(left, {parts[:-1] for parts in own})
    if not (own or drawn or empty):
        return tree
    outermost = sorted(parts for parts in {*own, *empty} if parts[:-1] not in empty)
    names = [*(f"{'/'.join(parts)}/" for parts in outermost), *sorted(parts[0] for parts in drawn)]
    note = f"passed over, being convscope's own: {listed(names, 3)}"
    return replace(left.without(lambda parts: parts in empty), notes=(*tree.notes, note))


def _describes(parts: Parts, content: Content) -> bool:
    if parts[-1] != _DESCRIPTION:
        return False
    try:
        values = json.loads(content.read(1 << 20))
    except (BrokenImage, ValueError):
        return False
    return isinstance(values, dict) and values.keys() >= _DESCRIBED


def _lies_in(parts: Parts, folders: set[Parts]) -> bool:
    return any(parts[:length] in folders for length in range(1, len(parts) + 1))


def _emptied(tree: Tree, parents: set[Parts]) -> set[Parts]:
    """Folders that held runs and now hold nothing; and a folder for runs that has none yet."""
    full = {parts[:length] for parts, _ in tree.files for length in range(len(parts))}
    full |= {parts[:-1] for parts in tree.folders}
    around = {parts for parts in parents if parts}
    return {p for p in tree.folders if p not in full and (p in around or p == (_RUNS,))}
