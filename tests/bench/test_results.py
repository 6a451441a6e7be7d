"""What the benchmark makes of its samples."""

import json
from pathlib import Path

import pytest

from bench.compare import comparison
from bench.results import Result, ResultError, read_result
from bench.table import duration, table


def result(**samples: list[float]) -> Result:
    """A result with one workload and the given seconds for each subject."""
    machine = {"kernel": "6.18", "cores": 2, "cpu": "x", "file_system": "ext4", "libfuse": "3.14.0"}
    return Result(
        machine={**machine, "user": "root", "load": 0.1},
        subjects=dict.fromkeys(samples, "1.0"),
        titles={"stat": "stat, cached"},
        units={"stat": "call"},
        samples={"stat": dict(samples)},
    )


def test_a_ratio_is_one_of_medians_so_an_outlier_does_not_move_it() -> None:
    taken = result(native=[1e-6, 1e-6, 9e-6], bindfs=[4e-6, 2e-6, 3e-6])
    assert taken.ratio("stat", "bindfs", "native") == pytest.approx(3.0)


def test_a_subject_without_samples_has_no_ratio() -> None:
    assert result(native=[1e-6]).ratio("stat", "bindfs", "native") is None


def test_the_table_names_machine_workload_and_ratio() -> None:
    text = table(result(native=[1e-6] * 3, bindfs=[3.5e-6] * 3))
    assert "Linux 6.18, 2 x x, ext4" in text
    assert "| stat, cached |" in text
    assert "1 µs/call" in text
    assert "3.50" in text


def test_the_table_marks_noisy_figures() -> None:
    assert "~3.00" in table(result(native=[1e-6] * 3, bindfs=[1e-6, 3e-6, 5e-6]))


def test_the_table_says_what_was_left_out() -> None:
    taken = result(native=[1e-6])
    taken.left_out["bindfs"] = "bindfs is not installed"
    assert "Left out: bindfs: bindfs is not installed" in table(taken)


def test_durations_are_written_in_the_unit_that_fits() -> None:
    assert [duration(seconds) for seconds in (2.0, 0.0015, 3.14159e-6, 5e-8)] == [
        "2 s",
        "1.5 ms",
        "3.14 µs",
        "50 ns",
    ]


def test_json_comes_back_as_it_went(tmp_path: Path) -> None:
    taken = result(native=[1e-6, 2e-6], bindfs=[3e-6, 4e-6])
    (tmp_path / "a.json").write_text(taken.to_json())
    assert read_result(tmp_path / "a.json") == taken


def test_json_carries_the_ratios_for_readers_that_do_not_compute() -> None:
    summary = json.loads(result(native=[1e-6], bindfs=[2e-6]).to_json())["summary"]
    assert summary["stat"]["bindfs"]["native"] == pytest.approx(2.0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ResultError) as refused:
        read_result(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_comparison_tells_faster_from_noise() -> None:
    before = result(native=[1e-6] * 5, bindfs=[4e-6] * 5)
    faster = result(native=[2e-6] * 5, bindfs=[4e-6] * 5)
    same = result(native=[1e-6] * 5, bindfs=[4.1e-6] * 5)
    assert "faster" in comparison(before, faster)
    assert "noise" in comparison(before, same).splitlines()[2]


def test_comparison_of_single_rounds_judges_nothing() -> None:
    before, after = result(native=[1e-6], bindfs=[4e-6]), result(native=[1e-6], bindfs=[8e-6])
    assert "too few rounds" in comparison(before, after)


def test_comparison_says_when_the_machine_was_another() -> None:
    before, after = result(native=[1e-6], bindfs=[4e-6]), result(native=[1e-6], bindfs=[4e-6])
    after.machine["kernel"] = "6.19"
    assert "kernel was 6.18, is 6.19" in comparison(before, after)
