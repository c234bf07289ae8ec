"""How the server starts and ends, as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

COMMAND = [sys.executable, "-c", "from convscope.cli.main import main; main()", "serve"]
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `convscope serve … --json`; answers with the process, and the address that it printed."""
    started = []

    def one(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*COMMAND, "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        return process, json.loads(text)["address"]

    yield one
    for process in started:
        process.kill()
        process.communicate()


def test_sigterm_finishes_what_was_accepted_and_is_no_failure(
    start: Start, digit_runs: Path, tmp_path: Path
) -> None:
    Image.new("L", (28, 28), 90).save(tmp_path / "image.png")
    image = (tmp_path / "image.png").read_bytes()
    process, address = start(str(digit_runs))
    where = urlsplit(address)
    head = (
        f"POST /api/v1/runs/quick/predict HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(image)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=120) as wire:
        wire.sendall(head.encode())
        assert wire.recv(1000).startswith(b"HTTP/1.1 100 ")  # it is being read: accepted
        process.send_signal(signal.SIGTERM)
        wire.sendall(image)
        answer = b""
        while part := wire.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"probabilities"' in answer
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""


def test_ctrl_c_is_quiet(start: Start, tmp_path: Path) -> None:
    process, address = start(str(tmp_path))
    assert httpx.get(f"{address}health", timeout=60).json() == {"status": "ok"}
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, str(tmp_path), "--port", str(port)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"error: port {port} is taken by another program. Choose another: --port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 2, "nowhere is not a folder"),
        (["--port", "70000"], 2, "ports go from 0"),
        (["--host", "no.such.host.invalid"], 1, "there is no address"),
        (["--host", "192.0.2.1"], 1, "is not an address of this machine"),
        (["--threads", "0"], 2, "must be at least 1"),
    ],
)
def test_what_cannot_be_served_is_said_in_words(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from convscope.cli.main import run

    assert run(["serve", *arguments]) == code
    assert says in capsys.readouterr().err


def test_beyond_this_machine_whoever_asks_needs_the_token(start: Start, tmp_path: Path) -> None:
    _, address = start(str(tmp_path), "--host", "0.0.0.0", CONVSCOPE_TOKEN="open sesame")
    assert address.startswith("http://localhost:")
    assert address.endswith("/?token=open%20sesame")
    root = address.partition("?")[0]
    for refused in (
        httpx.get(root, timeout=60),
        httpx.get(f"{root}health"),
        httpx.get(f"{root}static/palette.css"),
        httpx.get(f"{root}?token=open"),
        httpx.get(root, headers={"Authorization": "Bearer open"}),
        httpx.get(root, cookies={"convscope_token": ""}),
    ):
        assert refused.status_code == 401
    assert httpx.get(f"{root}health", headers={"Authorization": "Bearer open sesame"}).status_code == 200
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(address)
        assert page.status_code == 200
        assert "token" not in str(page.url)
        assert browser.get(f"{root}health").status_code == 200
        by_name = {"Host": "some-machine.local:8765"}
        assert browser.get(f"{root}health", headers=by_name).status_code == 200
        assert browser.get(f"{root}health", headers={"Origin": "http://evil.example"}).status_code == 403


FIRST_PAGE = """
import sys, threading
from pathlib import Path
from convscope.serving.listening import address_of, listen
from convscope.serving.server import Server
from convscope.serving.workbench import Workbench
import httpx
listening = listen("127.0.0.1", 0)
server = Server(Workbench(Path(sys.argv[1])), listening)
thread = threading.Thread(target=server.serve_until_stopped)
thread.start()
page = httpx.get(address_of(listening, "127.0.0.1"), timeout=60)
server.stop()
thread.join()
print(page.status_code, "quick" in page.text, sorted({"torch", "altair"} & set(sys.modules)))
"""


def test_the_first_page_does_not_wait_for_torch(digit_runs: Path) -> None:
    asked = [sys.executable, "-c", FIRST_PAGE, str(digit_runs)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "200 True []"
