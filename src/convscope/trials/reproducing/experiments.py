"""Where the experiments are, and where the data that they name are."""

import os
from pathlib import Path

from convscope.config.experiment_file import Published, read_published
from convscope.config.reference import Reference
from convscope.data.sources.named import NAMED_SETS, data_folders
from convscope.data.sources.opening import is_named
from convscope.errors import DataError, UsageError
from convscope.wording import command, meant, near

RESULTS = "results"


def experiments_folder() -> Path:
    """The repository's own where convscope runs from it; else those that came along in the package.

    Raises:
        UsageError: there are none.
    """
    package = Path(__file__).parents[2]
    for folder in (package.parent.parent / "experiments", package / "experiments"):
        if any(folder.glob("*.toml")):
            return folder
    raise UsageError("no experiments came along with this convscope; install it again, from its repository")


def results_folder() -> Path | None:
    """Where the repository keeps its cards; None where convscope does not run from a repository."""
    folder = experiments_folder()
    return folder / RESULTS if (folder.parent / "pyproject.toml").is_file() else None


def experiment_paths() -> dict[str, Path]:
    """All experiments by name."""
    return {path.stem: path for path in sorted(experiments_folder().glob("*.toml"))}


def find_experiment(name: str) -> Published:
    """An experiment by its name, or by its file.

    Raises:
        UsageError: there is none of that name; or the file says something wrong, or reports nothing.
    """
    known = experiment_paths()
    path = known.get(name) or (Path(name) if name.endswith(".toml") else None)
    if path is None:
        of_row = [each for each in known if _row_of(known[each]) == name.upper()]
        hint = meant(of_row or near(name, known), "they are listed by: convscope reproduce")
        raise UsageError(f"'{name}' is no experiment; {hint}")
    published = read_published(path)
    if published.reference is None:
        trained = command("convscope", "train", path)
        raise UsageError(f"{_reports_nothing(published)}\nIt is trained by: {trained}")
    return published


def _row_of(path: Path) -> str:
    """`E8`, by which the list begins."""
    reference = read_published(path).reference
    return "" if reference is None else reference.source


def reference_of(experiment: Published) -> Reference:
    """What its source reported.

    Raises:
        UsageError: its file does not say.
    """
    if experiment.reference is None:
        raise UsageError(_reports_nothing(experiment))
    return experiment.reference


def _reports_nothing(experiment: Published) -> str:
    return f"{experiment.name}.toml says nothing of what its source reported: it has no [reference]."


def locate(source: str, reference: Reference, given: str | None = None) -> str:
    """The data that an experiment names: on this machine, or its stand-in, or others that were `given`.

    Raises:
        DataError: they are not here, cannot be downloaded, and nothing stands in for them.
    """
    if given is not None:
        return given
    folders = [Path(), *data_folders()]
    if is_named(source) and (source.startswith("counting") or _is_here(source)):
        return source
    if not is_named(source):
        for folder in folders:
            if (folder / source).exists():
                return str(folder / source)
    if reference.stand_in is not None:
        for folder in folders[1:]:
            if (folder / reference.stand_in).exists():
                return str(folder / reference.stand_in)
    if is_named(source):
        return source  # it is downloaded, or training says what to do
    where = f"in $CONVSCOPE_DATA ({folders[1]})" if os.environ.get("CONVSCOPE_DATA") else f"in {folders[1]}"
    raise DataError(
        f"the data of this experiment, {source}, are neither here nor {where}.\n"
        "Say where they are, or give others like them: --source FOLDER"
    )


def differs_from(source: str, used: str, reference: Reference) -> str | None:
    """Why figures on `used` cannot be compared with those on `source`; None where both are the same data."""
    if used == source or (not is_named(source) and Path(used).name == Path(source).name):
        return None
    if reference.stand_in is not None and Path(used).name == Path(reference.stand_in).name:
        return reference.stand_in_is or f"other data: {Path(used).name}"
    return f"other data: {Path(used).name or used} instead of {source}"


def _is_here(name: str) -> bool:
    return any(each.name == name and each.is_here() for each in NAMED_SETS)
