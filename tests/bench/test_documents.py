"""The documents' figures are those that the benchmark printed, of the results that lie beside them."""

from pathlib import Path

import pytest

from bench.plot import plots
from bench.results import read_result
from bench.table import short_table, table

REPOSITORY = Path(__file__).parents[2]
SPEED = REPOSITORY / "docs" / "speed"
RESULTS = [SPEED / "root.json", SPEED / "user.json"]
INGEST = SPEED / "ingest.json"


def test_the_readmes_table_is_what_was_measured() -> None:
    printed = short_table([read_result(path) for path in RESULTS])
    assert printed.partition("\n\n")[0] in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize("path", [*RESULTS, INGEST], ids=lambda path: path.stem)
def test_the_tables_of_the_page_on_speed_are_what_was_measured(path: Path) -> None:
    page = (REPOSITORY / "docs" / "speed.md").read_text()
    for part in table(read_result(path)).split("\n\n"):
        if part.startswith("| "):
            assert part in page, f"{path.name}: {part.partition('|')[2][:40]}"


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_pictures_are_drawn_from_what_was_measured(path: Path) -> None:
    for name, picture in plots(read_result(path)):
        shown = SPEED / f"{path.stem}-{name}.svg"
        assert not shown.exists() or shown.read_text() == picture, f"draw {shown.name} anew"
    assert (SPEED / f"{path.stem}-workloads.svg").exists()


def test_every_picture_that_a_document_shows_exists() -> None:
    page = (REPOSITORY / "docs" / "speed.md").read_text()
    shown = [part.partition(")")[0] for part in page.split("](speed/")[1:]]
    assert shown
    assert [name for name in shown if not (SPEED / name).exists()] == []
