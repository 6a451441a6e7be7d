"""What is measured at size is made by a program, so that everybody measures the same."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

from bench.synthetic.__main__ import write_log
from bench.synthetic.database import HUB, fill
from bench.synthetic.work import events
from bench.synthetic.world import FILES, Project
from mycelial.graph.rebuild import replay
from mycelial.graph.structure import find_structure
from mycelial.record.jsonl import event_from_json
from mycelial.store.answers import Answers
from mycelial.store.past import Past


def test_a_log_is_the_same_each_time_and_packed_or_not(tmp_path: Path) -> None:
    write_log(tmp_path / "plain.jsonl", 500, 1000)
    write_log(tmp_path / "packed.jsonl.gz", 500, 1000)
    lines = (tmp_path / "plain.jsonl").read_bytes()
    assert gzip.decompress((tmp_path / "packed.jsonl.gz").read_bytes()) == lines
    assert [event_from_json(line) for line in lines.splitlines()] == list(events(500, 1000))


def test_a_log_tells_a_life_in_order_that_gives_each_kind_of_evidence(tmp_path: Path) -> None:
    told = list(events(3000, 1000))
    assert all(one.t <= other.t for one, other in pairwise(told))
    replay(tmp_path / "log.db", told)
    with Answers.open(tmp_path / "log.db", 1000) as answers:
        counts = answers.status()
        assert counts["events"] == 3000
        assert all(counts[kind] for kind in ("episodes", "together", "next", "sources", "sweeps"))
        made = next(event.path for event in told if event.path.endswith(".o"))
        assert any(source.path.endswith(".h") for source in answers.sources(made))


def test_a_database_holds_as_many_files_and_relations_as_were_asked_for(tmp_path: Path) -> None:
    fill(tmp_path / "large.db", 10 * FILES, 100 * FILES)
    with Answers.open(tmp_path / "large.db", 1000) as answers:
        counts = json.loads(json.dumps(answers.status()))
        assert counts["files"] >= 10 * FILES
        rows = 2 * counts["together"] + counts["next"] + counts["sources"]
        assert 0.9 < rows / (100 * FILES) < 1.2
        assert len(answers.related(Project(3).path(20))) == 20
        assert len(answers.together(HUB)) == 10
        assert answers.sources(Project(3).path(150))
    with Past.open(tmp_path / "large.db") as past:
        touched = {file for strand in past.strands(1000) for file in strand.files}
        assert len(touched) == 10 * FILES + 1
        assert len(find_structure(past).clusters) >= 10
