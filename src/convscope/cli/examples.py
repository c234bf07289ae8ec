"""Three examples for each command, below its `--help`: to copy, and to see what is possible."""

from rich.console import Console
from rich.text import Text

from convscope.cli.screen import INDENT

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("convscope train photos/", "a classifier of your images"),
        ("convscope evaluate runs/photos-1", "how good it is, class by class"),
        ("convscope predict runs/photos-1 new.jpg", "what it sees in another image"),
    ),
    "train": (
        ("convscope train photos/", "one folder for each class"),
        ("convscope train photos/ --fit crop", 'crop; "fits" compares the others'),
        ("convscope train --resume runs/photos-1", "go on where it stopped"),
    ),
    "evaluate": (
        ("convscope evaluate runs/photos-1", "classes, confusion, worst errors"),
        ("convscope evaluate runs/photos-1 other/", "on images that it never saw"),
        ("convscope evaluate runs/photos-1 --json", "all figures, for a script"),
    ),
    "predict": (
        ("convscope predict runs/photos-1 new.jpg", "the likeliest of its classes"),
        ("convscope predict runs/photos-1 folder/", "of every image of a folder"),
        ("convscope predict runs/photos-1 folder/ --csv", "the same as a table"),
    ),
    "look": (
        ("convscope look runs/photos-1", "filters, maps, patches, more"),
        ("convscope look runs/photos-1 --image new.jpg", "why this image: where it looks"),
        ("convscope look runs/photos-1 --only where", "one question alone"),
    ),
    "report": (
        ("convscope report runs/photos-1", "its report.html anew"),
        ("convscope report runs/digits-two-conv-1", "its data are not needed"),
        ("convscope report runs/photos-1 --json", "where it is and how large"),
    ),
    "diagnose": (
        ("convscope diagnose runs/photos-1", "what is wrong, and what to do"),
        ("convscope diagnose runs/photos-1 --untrained", "before the first step"),
        ("convscope diagnose runs/photos-1 --json", "for a script"),
    ),
    "refit": (
        ("convscope refit runs/photos-1", "with what was marked as wrong"),
        ("convscope refit runs/photos-1 labels.csv", "with a table of corrections"),
        ("convscope refit runs/photos-1 --json", "which answers changed, as JSON"),
    ),
    "compare": (
        ("convscope compare runs/a runs/b", "is b better, or was it luck?"),
        ("convscope compare runs/crop runs/squash", "two ways to crop, once trained"),
        ("convscope compare runs/a runs/b --json", "all figures, for a script"),
    ),
    "data": (
        ("convscope data photos/", "broken, copied, leaking images"),
        ("convscope data photos/ --augmentation photos", "see what training would see"),
        ("convscope data photos/ --json", "every finding, for a script"),
    ),
    "find-lr": (
        ("convscope find-lr photos/", "one rate, and the curve of it"),
        ("convscope find-lr digits --optimizer sgd", "for another update rule"),
        ("convscope find-lr digits --picture rate.svg", "the curve, where you want it"),
    ),
    "summary": (
        ("convscope summary two-conv", "its layers, and a drawing"),
        ("convscope summary vgg16 --image 3x224x224", "for images of this shape"),
        ("convscope summary timm:resnet18 --classes 5", "any network of timm"),
    ),
    "benchmark": (
        ("convscope benchmark two-conv", "time and memory by batch size"),
        ("convscope benchmark vgg16 --batch-sizes 1,8", "for these batch sizes"),
        ("convscope benchmark two-conv --json", "all figures, for a script"),
    ),
    "reproduce": (
        ("convscope reproduce", "what each shows, what was found"),
        ("convscope reproduce mnist-linear", "one of them, and its result card"),
        ("convscope reproduce --budget 30m", "as many as half an hour holds"),
    ),
    "serve": (
        ("convscope serve", "runs/ in the browser, port 8765"),
        ("convscope serve runs/photos-1", "one run alone"),
        ("convscope serve --host 0.0.0.0", "for others, who need the token"),
    ),
    "networks": (
        ("convscope networks", "all of them"),
        ("convscope networks --json", "the same, for a script"),
        ("convscope summary two-conv", "one of them, layer by layer"),
    ),
    "datasets": (
        ("convscope datasets", "all of them, and which are here"),
        ("convscope datasets --json", "the same, for a script"),
        ("convscope train digits", "train on one of them"),
    ),
    "runs": (
        ("convscope runs", "what was trained, how good"),
        ("convscope runs --sort test", "the best on the test first"),
        ("convscope runs --data photos --state finished", "some of them"),
    ),
    "cache": (
        ("convscope cache", "which data take how much room"),
        ("convscope cache --json", "the same, for a script"),
        ("convscope cache --clear", "make room; nothing is lost"),
    ),
}
BESIDE = 80
"""Columns from which on a command and what it does stand side by side."""
COMMAND_WIDTH = 46


def print_examples(console: Console, command: str) -> None:
    """The examples of a command; of convscope itself where it is empty, or has none."""
    command = command if command in EXAMPLES else ""
    console.print(Text("Examples", style="bold"))
    for example, does in EXAMPLES[command]:
        line = Text(" " * INDENT + example)
        if console.width >= BESIDE:
            line.pad_right(max(0, COMMAND_WIDTH - len(example)))
            console.print(line.append(does, style="dim"), soft_wrap=True)
        else:
            console.print(line, soft_wrap=True)
            console.print(Text(" " * 2 * INDENT + does, style="dim"), soft_wrap=True)
    console.print()
    if not command:
        console.print(Text('In Python: import convscope as cs; run = cs.train("photos/")'))
    console.print(Text("Every command takes --help, --json (for machines) and --debug (a traceback)."))
