"""Draw a terminal's text, colours included, as an SVG: how the README's picture is made.

tmux capture-pane -pe > train.ansi; python scripts/terminal_picture.py train.ansi docs/train.svg
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 112


def main() -> None:
    source, target = (Path(argument) for argument in sys.argv[1:3])
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=WIDTH, record=True, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(source.read_text().rstrip()))
        console.save_svg(str(target), title="convscope", font_aspect_ratio=0.6)


if __name__ == "__main__":
    main()
