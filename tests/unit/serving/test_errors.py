"""The page of errors without a script: its images, the marks, the table, and a head that is fitted again."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.evaluation.predictions import Predictions, read_predictions
from convscope.runs.folder import Run
from convscope.runs.marks import MARKED, marks_of


@pytest.fixture(scope="module")
def site(digit_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the runs, that marks may be left in."""
    folder = tmp_path_factory.mktemp("errors") / "runs"
    shutil.copytree(digit_runs, folder)
    return folder


@pytest.fixture(scope="module")
def client(site: Path, serve: Callable[[Path], str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(site), timeout=120) as opened:
        yield opened


@pytest.fixture
def judged(site: Path) -> Predictions:
    return read_predictions(Run(site / "plain"), "test")


@pytest.fixture(autouse=True)
def _unmarked(site: Path) -> Iterator[None]:
    yield
    for path in site.glob(f"*/{MARKED}"):
        path.unlink()


def first_error(judged: Predictions) -> tuple[str, int, int]:
    row = int(np.flatnonzero(judged.predicted != judged.labels)[0])
    return judged.hashes[row], int(judged.labels[row]), int(judged.predicted[row])


def wait_for(client: httpx.Client) -> dict[str, object]:
    """Until what was asked for is over."""
    while (standing := client.get("/api/v1/runs/p/refit").json())["state"] == "running":
        pass
    return dict(standing)


def test_a_cell_opens_its_images_and_no_others(client: httpx.Client, judged: Predictions) -> None:
    counts = judged.confusion.counts - np.diag(np.diag(judged.confusion.counts))
    true, predicted = (int(each) for each in np.unravel_index(counts.argmax(), counts.shape))
    page = client.get("/runs/plain/errors", params={"true": true, "predicted": predicted}).text
    chosen = (judged.labels == true) & (judged.predicted == predicted)
    wanted = {judged.hashes[row] for row in np.flatnonzero(chosen)}
    assert 0 < len(wanted) <= 24
    assert {content for content in judged.hashes if f'data-content="{content}"' in page} == wanted
    plain = client.get("/runs/plain/errors").text
    assert f'href="?split=test&amp;true={true}&amp;predicted={predicted}"' in plain


def test_the_images_are_the_runs_own(client: httpx.Client, site: Path, judged: Predictions) -> None:
    content, *_ = first_error(judged)
    sent = client.get(f"/runs/plain/images/{content}.png")
    assert sent.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(sent.content)))
    from convscope.classifier.classifier import Classifier
    from convscope.evaluation.evaluating import load_own_data

    images = load_own_data(site / "plain", Classifier.load(site / "plain")).test
    assert np.array_equal(pixels, images.images[images.hashes.index(content)][0].numpy())
    assert client.get(f"/runs/plain/images/{'0' * 32}.png").status_code == 404
    assert client.get("/runs/plain/images/..%2f..%2fconfig.json.png").status_code == 404


def test_a_label_is_marked_changed_and_taken_back(
    client: httpx.Client, site: Path, judged: Predictions
) -> None:
    content, label, answer = first_error(judged)
    marked = client.post("/runs/plain/errors/marks", data={"content": content, "label": str(answer)})
    assert marked.status_code == 303
    (mark,) = marks_of(Run(site / "plain"))
    assert (mark.content, mark.old, mark.new) == (content, str(label), str(answer))
    page = client.get("/runs/plain/errors", params={"view": "marked"}).text
    assert page.count('data-content="') == 1
    assert f"<bdi>{label}</bdi> → <bdi>{answer}</bdi>" in page
    table = client.get("/runs/plain/errors/marked.csv")
    assert "attachment" in table.headers["content-disposition"]
    (line,) = csv.DictReader(io.StringIO(table.text))
    assert (line["content"], line["old"], line["new"]) == (content, str(label), str(answer))
    asked = {"content": content, "label": "remove"}
    told = client.post("/runs/plain/errors/marks", data=asked, headers={"Accept": "application/json"})
    assert told.json() == {"mark": "remove", "count": 1}
    client.post("/runs/plain/errors/marks", data={"content": content, "label": "undo"})
    assert marks_of(Run(site / "plain")) == ()


def test_the_table_of_marks_trains(client: httpx.Client, judged: Predictions, tmp_path: Path) -> None:
    content, _, answer = first_error(judged)
    client.post("/runs/plain/errors/marks", data={"content": content, "label": str(answer)})
    (tmp_path / "table.csv").write_bytes(client.get("/runs/plain/errors/marked.csv").content)
    again = cs.train(
        "digits", runs=tmp_path, network="linear", steps=1, corrections=str(tmp_path / "table.csv")
    )
    assert again.summary["corrections"]["test"] == {"changed": 1, "removed": 0}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"content": "0" * 32, "label": "1"}, 404),
        ({"content": "../../config.json", "label": "1"}, 404),
        ({"content": "", "label": "10"}, 422),
        ({"content": "", "label": "-1"}, 422),
        ({"content": "", "label": "ten"}, 422),
        ({"label": "1"}, 422),
    ],
)
def test_what_is_no_image_or_no_class_is_not_marked(
    client: httpx.Client, site: Path, judged: Predictions, fields: dict[str, str], status: int
) -> None:
    if fields.get("content") == "":
        fields = fields | {"content": judged.hashes[0]}
    assert client.post("/runs/plain/errors/marks", data=fields).status_code == status
    assert marks_of(Run(site / "plain")) == ()


def test_a_page_of_another_site_marks_nothing(client: httpx.Client, site: Path, judged: Predictions) -> None:
    fields = {"content": judged.hashes[0], "label": "1"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/runs/plain/errors/marks", data=fields, headers=headers)
        assert answer.status_code == 403
        assert client.post("/runs/plain/errors/refit", headers=headers).status_code == 403
    assert marks_of(Run(site / "plain")) == ()


def test_nobody_is_sent_elsewhere(client: httpx.Client, judged: Predictions) -> None:
    fields = {"content": judged.hashes[0], "label": "undo", "back": "//evil.example"}
    sent = client.post("/runs/plain/errors/marks", data=fields)
    assert sent.headers["location"].startswith("/runs/plain/errors#i")


def test_from_scratch_the_command_stands_there_and_no_head_is_fitted(
    client: httpx.Client, site: Path, judged: Predictions
) -> None:
    content, _, answer = first_error(judged)
    assert client.post("/runs/plain/errors/refit").status_code == 422
    client.post("/runs/plain/errors/marks", data={"content": content, "label": str(answer)})
    page = client.get("/runs/plain/errors").text
    assert "convscope train digits --network linear" in page
    assert f"--corrections {site / 'plain' / MARKED}</pre>" in page
    assert client.post("/runs/plain/errors/refit").status_code == 422


def test_a_cell_that_there_is_not_is_not_found(client: httpx.Client) -> None:
    assert client.get("/runs/plain/errors?true=10").status_code == 404
    assert client.get("/runs/plain/errors?true=-1").status_code == 422
    assert client.get("/runs/none/errors").status_code == 404
    assert client.get("/runs/plain/errors?view=nonsense&split=nonsense&page=99999").status_code == 200


def test_a_run_that_judged_nothing_says_what_to_do(
    serve: Callable[[Path], str], site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site / "plain", tmp_path / "runs" / "begun")
    (tmp_path / "runs" / "begun" / "summary.json").unlink()
    page = httpx.get(f"{serve(tmp_path / 'runs')}/runs/begun/errors", timeout=60).text
    assert "has judged no image yet" in page
    assert "convscope evaluate" in page


def test_a_head_is_fitted_again_and_what_flipped_stands_there(
    serve: Callable[[Path], str], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for name, shade in (("蚂蚁", 30), ("נמלה", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 60, (24, 24, 3), dtype=np.uint8) + np.uint8(shade)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number:02d}.png")
    cs.train(
        tmp_path / "photos", runs=tmp_path / "runs", name="p", network="pretrained", frozen=True, size=64
    )
    judged = read_predictions(Run(tmp_path / "runs" / "p"), "test")
    with httpx.Client(base_url=serve(tmp_path / "runs"), timeout=120) as client:
        for content in judged.hashes[:3]:
            client.post("/runs/p/errors/marks", data={"content": content, "label": "remove"})
        assert "Fit the head again" in client.get("/runs/p/errors").text
        assert client.post("/runs/p/errors/refit").status_code == 303
        assert wait_for(client) == {"state": "done", "said": "", "share": None}
        page = client.get("/runs/p/errors").text
        assert 'href="/runs/p-corrected-1"' in page
        assert "images held out" in page
        assert "<bdi>נמלה</bdi>" in page
        assert client.get("/runs/p-corrected-1/errors").text.count("as labelled") == 1
        page = client.get("/runs/p/errors?view=labels").text
        assert "Judge the training images too" in page
        assert "of 12 labels" in page
        assert client.post("/runs/p/errors/judge").status_code == 303
        assert wait_for(client)["state"] == "done"
        page = client.get("/runs/p/errors?view=labels").text
        assert "of 40 labels" in page
        assert "Judge the training images too" not in page
