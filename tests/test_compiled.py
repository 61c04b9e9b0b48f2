"""What is compiled is kept on disk, until any of the code that it is made from changes."""

from pathlib import Path

import recommender
from recommender.similarity.compiled import compiled, edition

KERNEL = "from base import STEP\n\n\n@compiled\ndef next_one(at):\n    return at + STEP\n"
BASE = "STEP = {}\n\n\n@compiled\ndef step():\n    return STEP\n"


def test_a_change_in_any_compiled_file_makes_another_edition(tmp_path):
    (tmp_path / "similarity").mkdir()
    (tmp_path / "search.py").write_text(KERNEL)
    (tmp_path / "similarity" / "base.py").write_text(BASE.format(16))
    (tmp_path / "lists.py").write_text("K = 10\n")
    before = edition(tmp_path)
    (tmp_path / "lists.py").write_text("K = 20\n")
    unrelated = edition(tmp_path)
    (tmp_path / "similarity" / "base.py").write_text(BASE.format(32))

    assert before == unrelated != edition(tmp_path)


def test_functions_are_kept_by_edition():
    @compiled
    def doubled(number):
        return 2 * number

    current = edition(Path(recommender.__file__).parent)
    assert doubled.__qualname__.endswith(f"doubled-{current}")
    assert 6 == doubled(3)
