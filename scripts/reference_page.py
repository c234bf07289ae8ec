"""Write docs/reference-experiments.md from the experiments and their result cards.

python scripts/reference_page.py
"""

from pathlib import Path

from convscope.report.page.reference_experiments import Kept, reference_page
from convscope.trials.cards.card import readable_cards
from convscope.trials.reproducing.experiments import experiment_paths, find_experiment

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "reference-experiments.md"
RESULTS = REPOSITORY / "experiments" / "results"


def page() -> str:
    """What the page should say today."""
    return reference_page([_kept(name) for name in experiment_paths()], PAGE.parent / "reference")


def _kept(name: str) -> Kept:
    whole = [(card.made, path, card) for path, card in readable_cards(RESULTS / name)[0] if card.is_whole]
    if not whole:
        return find_experiment(name), None, ""
    _, path, card = max(whole, key=lambda each: each[0])
    return find_experiment(name), card, f"../{path.relative_to(REPOSITORY).as_posix()}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")
