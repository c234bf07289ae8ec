"""The first page, and what stands around every page, asked of the real server."""

from collections.abc import Callable
from pathlib import Path

import httpx

from convscope.serving.workbench import Workbench


def test_the_first_page_names_every_run_and_leads_to_it(workbench: str, digit_runs: Path) -> None:
    page = httpx.get(workbench)
    assert page.status_code == 200
    entries = Workbench(digit_runs).entries()
    assert {entry.id for entry in entries} == {"quick", "plain", "several~seed-0", "several~seed-1"}
    for entry in entries:
        assert f'href="{entry.address}"' in page.text


def test_an_empty_folder_says_what_to_do(serve: Callable[[Path], str], tmp_path: Path) -> None:
    page = httpx.get(serve(tmp_path / "none"))
    assert page.status_code == 200
    assert "convscope train digits" in page.text


def test_what_is_not_there_is_refused_in_words(workbench: str) -> None:
    page = httpx.get(f"{workbench}/nowhere")
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text
    assert "error" in httpx.get(f"{workbench}/api/v1/nowhere").json()


def test_style_is_sent_once_and_then_known(workbench: str) -> None:
    sheet = httpx.get(f"{workbench}/static/palette.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "--ink: #1d1d1b;" in sheet.text
    again = httpx.get(f"{workbench}/static/palette.css", headers={"If-None-Match": sheet.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_every_answer_says_that_no_script_but_its_own_may_run(workbench: str) -> None:
    for path in ("/", "/nowhere", "/health", "/static/workbench.css", "/openapi.json"):
        policy = httpx.get(workbench + path).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy


def test_head_is_get_without_its_body(workbench: str) -> None:
    answer = httpx.head(workbench)
    assert (answer.status_code, answer.content) == (200, b"")
