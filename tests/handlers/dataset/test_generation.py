"""How often a text went through a model is counted, from rows through the model that learned them to its own texts."""

from pathlib import Path

import msgspec

from handlers.backend import choose_backend
from handlers.models.metadata import generation_of, write_metadata
from handlers.records import Origin
from handlers.training.rows import load_sides
from tests.handlers.dataset.builds import ALL, rows_only
from tests.handlers.dataset.made import folder, narrative
from tests.handlers.models.made import DATASET, metadata


def written(root: Path, generation: int) -> Path:
    """A dataset of which some rows have a generation."""
    origin = Origin(kind="model", version="abc", generation=generation)
    made = [msgspec.structs.replace(narrative(each), origin=origin) for each in range(20)]
    inputs = [folder(root, "a", *made), folder(root, "b", *map(narrative, range(20, 40)))]
    return rows_only(root, "out", inputs, ALL)


def test_the_sides_know_the_deepest_generation_of_their_rows(tmp_path: Path) -> None:
    assert load_sides(written(tmp_path, 2), 0.2).generation == 2


def test_a_model_writes_one_generation_deeper_than_what_it_learned(tmp_path: Path) -> None:
    facts = msgspec.structs.replace(DATASET, generation=2)
    write_metadata(tmp_path, msgspec.structs.replace(metadata("x-v1"), dataset=facts))
    assert generation_of(tmp_path) == 3
    assert generation_of(tmp_path / "nothing") == 1


def test_the_rules_have_no_depth(tmp_path: Path) -> None:
    assert choose_backend(ALL, tmp_path) is None
    assert (
        load_sides(rows_only(tmp_path, "out", [folder(tmp_path, "a", *map(narrative, range(20)))], ALL), 0.2).generation
        == 0
    )
