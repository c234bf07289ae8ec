"""Which column of a table is what: path and label, and where they are there split and group."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.errors import DataError
from convscope.wording import listed, near, shown

PATH = (
    *("path", "file_path", "filepath", "file_name", "filename", "image_path", "image_file", "image_name"),
    *("image", "img_path", "img_name", "img", "picture", "photo", "image_id", "img_id", "id_code", "id"),
    *("file", "files", "filenames", "paths", "images", "image_filename", "image_filepath"),
)
LABEL = (
    *("label", "class", "class_name", "classname", "label_name", "category", "category_name", "target"),
    *("labels", "class_label", "class_id", "label_id", "category_id", "y"),
    *("classes", "categories", "targets"),
)
SPLIT = ("split", "subset", "partition", "set", "usage", "dataset", "data_set")
GROUP = ("group",)
LIKE_GROUPS = (
    *("group_id", "patient", "patient_id", "subject", "subject_id", "person", "person_id", "case_id"),
    *("scene", "scene_id", "site", "session", "session_id", "video", "video_id", "sequence", "specimen"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a table says of an image; a cell that is not there is None."""

    where: str
    """The table and the line, to be named in messages."""
    path: str | None
    label: object
    split: object
    group: object


@dataclass(frozen=True, slots=True)
class Roles:
    """The column of each role."""

    path: str
    """Of paths; or, in Parquet, of the images themselves."""
    label: str
    split: str | None
    group: str | None
    like_groups: str | None
    """A column that could name groups, where none was asked for."""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are read, each once."""
        chosen = (self.path, self.label, self.split, self.group or self.like_groups)
        return tuple(dict.fromkeys(name for name in chosen if name is not None))


def find_roles(columns: Sequence[str], table: str, group_by: str | None = None) -> Roles:
    """Find the columns under any of their usual names, in any case.

    Raises:
        DataError: none is the path, or the label; two columns have the name that decides.
    """
    if not columns:
        raise DataError(f"{table} is empty. Its first line names the columns: path,label")
    path, label = _first(PATH, columns, table), _first(LABEL, columns, table)
    lacking = [role for role, found in (("label", label), ("path", path)) if found is None]
    if path is None or label is None:
        raise DataError(_lacks(lacking, columns, table))
    return Roles(
        path,
        label,
        _first(SPLIT, columns, table),
        _first((_plain(group_by),) if group_by else GROUP, columns, table),
        None if group_by else _first(LIKE_GROUPS, columns, table),
    )


def _first(wanted: Sequence[str], columns: Sequence[str], table: str) -> str | None:
    """The column with the first of these names that there is; exactly written before otherwise written."""
    for name in wanted:
        for spelt in ([one for one in columns if one == name], [c for c in columns if _plain(c) == name]):
            if len(spelt) > 1:
                raise DataError(f"{table} has {len(spelt)} columns named {name}. Rename all but one.")
            if spelt:
                return spelt[0]
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s\-.]+", "_", name.strip()).casefold()


def _lacks(lacking: Sequence[str], columns: Sequence[str], table: str) -> str:
    has = (
        f"{table} lacks the column {' and '.join(lacking)}; it has: {shown(listed(columns, 20)) or 'none'}.\n"
    )
    if any(re.search(r"\.(jpe?g|png|webp|bmp|gif|tiff?)$", column.casefold()) for column in columns):
        return has + "Its first line looks like an image, not like names of columns: put path,label above it."
    alike = [
        f"'{shown(column)}' {role}"
        for role in lacking
        for column in columns
        if near(_plain(column), PATH if role == "path" else LABEL, 1, cutoff=0.75)
    ]
    if alike:
        return has + f"If it is meant, name {' and '.join(alike)}."
    return has + (
        "A table of images has path,label and may have split and group; Parquet may have image for path."
    )
