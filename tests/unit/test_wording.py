import json
import os

import pytest

from convscope.wording import shown


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Kätzchen 猫 🐈.jpg", "Kätzchen 猫 🐈.jpg"),
        (os.fsdecode(b"caf\xe9.png"), "caf\\xe9.png"),
        ("a\x1b[31mb\n\tc\x7f\x9b", "a\\x1b[31mb\\x0a\\x09c\\x7f\\x9b"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("half \ud83d", "half \\ud83d"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_names_are_shown_and_written_safely(name, said):
    assert shown(name) == said
    assert shown(said) == said
    json.dumps(shown(name), ensure_ascii=False).encode("utf-8")
