"""`convscope data`: what is in some images, before anything is trained on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from convscope.cli.flags import typed_flags, with_experiment_flags
from convscope.cli.output import log_console, print_json, result_console, try_to, warn
from convscope.cli.picture_place import check_picture, free_place
from convscope.cli.screen import print_line, print_whole
from convscope.cli.watching import Watcher
from convscope.errors import UsageError
from convscope.face.settings import experiment_for
from convscope.wording import here

if TYPE_CHECKING:
    from convscope.face.auditing import DataAudit
    from convscope.training.plan import Plan


@with_experiment_flags(unlisted=("first", "network", "training", "fine-tuning", "records", "machine"))
def data(
    source: str,
    /,
    *,
    picture: Path | None = None,
    overwrite: bool = False,
    json: bool = False,
    overrides: dict[str, Any],
) -> int:
    """Audit images before training: classes, sizes, broken files, copies, leaks; and draw a sample.

    With --augmentation, training is drawn instead: 8 images, and 8 times what it would see of each. The flags
    of train that are not listed are understood too: the picture shows the training that they describe.
    Whether labels are right is asked where something has learned from them: convscope diagnose RUN.

    Parameters
    ----------
    source
        A folder, a .zip or .tar, a .csv or .parquet, a name, or an experiment's .toml.
    picture
        Where to write the picture; NAME-samples.png or NAME-augmentation.png unless given.
    overwrite
        Replace what is at --picture already.
    json
        Print one JSON document on stdout.
    """
    check_picture(picture)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"--picture: '{picture}' is no .png")
    asked = experiment_for(source, overrides)
    with Watcher(log_console()):
        from convscope.data.auditing.saying import audit_lines
        from convscope.diagnosis.data import next_step
        from convscope.face.auditing import audit_experiment

        found = audit_experiment(asked)
    path = picture or free_place(found.survey.name, "samples" if found.plan is None else "augmentation")
    following = next_step(found.findings, source, typed_flags(overrides))
    console = result_console()
    if not json:
        for line in audit_lines(found):
            print_line(console, *line)
        if found.plan is not None:
            _print_training(console, found.plan)
        console.file.flush()  # results first: what is drawn beside them may fail
    drawn = try_to(
        lambda: _draw(found, path, overwrite=overwrite or picture is None),
        otherwise=f"the picture {path} was not drawn",
    )
    if json:
        print_json(found.to_dict() | {"picture": str(path) if drawn else None, "next": following})
        return 0
    if drawn:
        print_whole(console, "picture", here(path))
    print_whole(console, "next", following)
    return 0


def _draw(found: "DataAudit", path: Path, *, overwrite: bool) -> bool:
    """Whether the picture was written; it may not be there already unless it is to be overwritten."""
    if path.exists() and not overwrite:
        warn(f"{path} is there already and stays as it is. Name another --picture, or say --overwrite")
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    found.picture().save(path)
    return True


def _print_training(console: Console, plan: "Plan") -> None:
    """What the picture of a training is drawn from."""
    config = plan.config
    image = config.preprocessing
    kinds = {1: "grey", 3: "colour"}
    ways = {"crop": "cropped to the centre", "squash": "squashed", "pad": "padded"}
    seen = f"{image.size}×{image.size} px, {kinds[image.channels]}, other shapes {ways[image.fit]}"
    print_line(console, "training sees", seen, f"network {config.network.name}")
    if not plan.fits_head_alone:
        print_line(console, "augmentation", config.augmentation.preset)
        return
    from convscope.training.preparation import fits_on_mirror_images

    what = "each image and its mirror image" if fits_on_mirror_images(config) else "each image as it is"
    print_line(console, "augmentation", what, "a head alone is fitted once; moves and light play no part")
