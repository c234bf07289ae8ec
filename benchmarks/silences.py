"""How long a command leaves its terminal without a sign of life.

    python benchmarks/silences.py train photos/ --folds 5
    python benchmarks/silences.py look runs/kittens

Runs `convscope` with these arguments in a terminal of 80 columns of its own and notes when it writes. Prints
what it announced and when, when the first line came, how long the whole took, and each silence of two seconds
or more with what stood last on the screen before it. Exits with 1 where there was one.
"""

import fcntl
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

SILENCE = 2.0
"""Seconds: what takes longer should show how far it is."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def main() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name("convscope")), *sys.argv[1:]]
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    running = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm-256color"}
    )
    os.close(theirs)
    moments = [(0.0, "(nothing yet)")]
    announced: dict[str, float] = {}
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # nobody holds the terminal any more
            break
        if not part:
            break
        passed = time.perf_counter() - start
        text = CONTROL.sub("", part.decode(errors="replace"))
        lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
        moments.append((passed, lines[-1] if lines else moments[-1][1]))
        announced |= {line: passed for line in lines if line.startswith("expected")}
    code, whole = running.wait(), time.perf_counter() - start
    moments.append((whole, ""))
    silences = [
        (later - earlier, earlier, line)
        for (earlier, line), (later, _) in itertools.pairwise(moments)
        if later - earlier >= SILENCE
    ]
    first = moments[1][0]
    print(f"first line after {first:.1f} s, all in {whole:.1f} s, exit code {code}")
    for line, passed in announced.items():
        print(f"announced after {passed:.1f} s: {line}")
    for length, begun, line in silences:
        print(f"{length:.1f} s of silence from {begun:.1f} s on, after: {line}")
    sys.exit(bool(silences))


if __name__ == "__main__":
    main()
