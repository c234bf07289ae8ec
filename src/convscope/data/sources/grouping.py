"""Groups: images that stay on one side of the split because their paths, or a column of a table, say so."""

import re
from collections.abc import Sequence
from dataclasses import replace

from convscope.data.sources.source import ArraySource, FileSource
from convscope.errors import UsageError
from convscope.wording import listed, meant, near, some


def group_by_path(source: FileSource, group_by: str, columns: Sequence[str] = ()) -> FileSource:
    """The same items, each in the group that its path names.

    Args:
        source: a folder, an archive or a table.
        group_by: a regular expression; its first parenthesis names the group, else the whole match does.
        columns: of the table, which might have been meant.

    Raises:
        UsageError: it is no regular expression, matches no path, or puts all images into one group.
    """
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise UsageError(f"data.group_by = {group_by!r} is no regular expression: {error}") from error
    items = tuple(replace(item, group=_group_of(item.id, pattern)) for item in source.items)
    if all(item.group is None for item in items):
        raise UsageError(_matches_none(source, group_by, columns))
    return tell_groups(replace(source, items=items), group_by)


def tell_groups(source: FileSource, by: str) -> FileSource:
    """The same source with a note: how many groups there are, and which images are in none.

    Args:
        source: its items have their groups.
        by: the regular expression or the column that they come from.

    Raises:
        UsageError: no image is in a group, or all are in one, so that nothing could be divided.
    """
    groups = {item.group for item in source.items if item.group is not None}
    alone = [item.id for item in source.items if item.group is None]
    if not groups:
        raise UsageError(
            f"data.group_by = {by!r} is a column of {source.name} that is empty; name another one"
        )
    if len(groups) == 1 and not alone and not any(item.split for item in source.items):
        raise UsageError(
            f"data.group_by = {by!r} puts all {len(source.items):,} images into one group, "
            f"'{groups.pop()}', so that nothing could be divided. Name what differs between them."
        )
    note = f"{some(len(groups), 'group')}, kept whole (by {by})"
    if alone:
        count = some(len(alone), "image is", "images are")
        note += f"; {count} in none, each for itself: {listed(alone, 3)}"
    return replace(source, notes=(*source.notes, note))


def refuse_groups(source: ArraySource, group_by: str) -> None:
    """Stop: the images of a named set have no paths that could say what belongs together.

    Raises:
        UsageError: always.
    """
    raise UsageError(
        f"data.group_by = {group_by!r} needs paths or a table; {source.name} has neither. Leave it out."
    )


def _group_of(path: str, pattern: re.Pattern[str]) -> str | None:
    match = pattern.search(path)
    if match is None:
        return None
    return (match.group(1) if match.re.groups else match.group(0)) or None


def _matches_none(source: FileSource, group_by: str, columns: Sequence[str]) -> str:
    looks = f"paths look like this: {listed([item.id for item in source.items], 2)}"
    if not columns:
        none = f"data.group_by = {group_by!r} matches no path of {source.name}"
        return f"{none}, so that no group would be kept whole; {looks}"
    hint = meant(near(group_by, columns, 1), f"it has {', '.join(columns)}; {looks}")
    return f"data.group_by = {group_by!r} is no column of {source.name} and matches no path in it; {hint}"
