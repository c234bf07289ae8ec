"""The page of the reference experiments says what the cards say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_page", REPOSITORY / "scripts/reference_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_made_of_todays_cards(script: ModuleType) -> None:
    page = REPOSITORY / "docs/reference-experiments.md"
    assert page.read_text(encoding="utf-8") == script.page(), "it is stale: python scripts/reference_page.py"


def test_every_experiment_has_its_row_and_its_links_lead_somewhere(script: ModuleType) -> None:
    page = script.page()
    for path in (REPOSITORY / "experiments").glob("*.toml"):
        assert f"[{path.stem}](#{path.stem})" in page
        assert f"\n## {path.stem}\n" in page
    links = [part.partition(")")[0] for part in page.split("](")[1:]]
    for link in links:
        assert link.startswith("#") or (REPOSITORY / "docs" / link).is_file(), link
