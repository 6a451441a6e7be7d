"""What the benchmark makes of its samples."""

import json
from pathlib import Path

import pytest

from bench.compare import comparison
from bench.results import Curve, Figure, Result, ResultError, read_result
from bench.table import duration, table
from bench.targets import verdicts


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


def test_the_table_names_the_libfuse_that_the_mounts_ran_on_not_the_systems() -> None:
    taken = result(native=[1e-6], mycelial=[1e-6])
    assert "libfuse" not in table(taken)
    taken.subjects["mycelial"] = "mycelial-mount 1.0, libfuse 3.17.2, kernel passthrough on"
    assert "ext4, libfuse 3.17.2, as root" in table(taken)


def test_a_comparison_names_another_libfuse() -> None:
    before, after = result(native=[1e-6], mycelial=[1e-6]), result(native=[1e-6], mycelial=[1e-6])
    before.subjects["mycelial"], after.subjects["mycelial"] = "1.0, libfuse 3.14.0", "1.0, libfuse 3.17.2"
    assert "Not the same libfuse: was 3.14.0, is 3.17.2." in comparison(before, after).splitlines()


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


def test_json_keeps_figures_and_curves(tmp_path: Path) -> None:
    taken = result(native=[1e-6])
    taken.figures["memory"] = Figure("memory of the mount", "MB", 30.0, 60.0)
    taken.curves["files"] = Curve("stat", "files", "µs", {"mycelial": [(10.0, 1.0), (100.0, 1.5)]})
    (tmp_path / "a.json").write_text(taken.to_json())
    assert read_result(tmp_path / "a.json") == taken


def test_a_slope_is_the_power_that_the_cost_grows_with() -> None:
    lines = {
        "flat": [(10.0, 2.0), (1000.0, 2.0)],
        "in proportion": [(1.0, 3.0), (10.0, 30.0), (100.0, 300.0)],
        "quadratic": [(1.0, 1.0), (10.0, 100.0)],
        "one size": [(10.0, 2.0)],
    }
    curve = Curve("time", "files", "s", lines)
    slopes = {line: curve.slope(line) for line in lines}
    assert slopes == {
        "flat": pytest.approx(0.0, abs=1e-9),
        "in proportion": pytest.approx(1.0),
        "quadratic": pytest.approx(2.0),
        "one size": None,
    }
    taken = result(native=[1e-6])
    taken.curves["files"] = curve
    assert "+2.00" in table(taken)


def test_a_figure_is_held_against_its_bound_in_the_direction_that_is_meant() -> None:
    most = Figure("memory", "MB", 70.0, 60.0)
    least = Figure("ingest", "events/s", 70.0, 60.0, at_least=True)
    assert (most.met(), least.met(), Figure("time", "s", 1.0).met()) == (False, True, None)


def test_a_target_is_met_or_missed_by_the_ratio_of_medians() -> None:
    taken = result(native=[1e-6] * 5, bindfs=[4e-6] * 5, mycelial=[5e-6] * 5)
    taken.titles["stat-uncached"], taken.units["stat-uncached"] = "stat, not cached", "call"
    taken.samples = {"stat-uncached": taken.samples["stat"]}
    [missed] = verdicts(taken)
    assert (missed.met, missed.sure, missed.words()) == (False, True, "missed by 25%")
    assert "stat, not cached, mycelial / bindfs" in table(taken)
    taken.samples["stat-uncached"]["mycelial"] = [3e-6] * 5
    assert [verdict.words() for verdict in verdicts(taken)] == ["met"]


def test_a_verdict_within_the_noise_is_marked() -> None:
    taken = result(native=[1e-6] * 5, bindfs=[4e-6] * 5, mycelial=[2e-6, 3e-6, 4.1e-6, 5e-6, 6e-6])
    taken.titles["stat-uncached"] = "stat, not cached"
    taken.samples = {"stat-uncached": taken.samples["stat"]}
    assert [verdict.words() for verdict in verdicts(taken)] == ["missed by 2%?"]


def test_where_the_kernel_passes_data_through_more_is_asked() -> None:
    taken = result(native=[1e-6] * 5, mycelial=[1.3e-6] * 5)
    taken.titles["sequential-read"] = "sequential read"
    taken.samples = {"sequential-read": taken.samples["stat"]}
    assert [verdict.met for verdict in verdicts(taken)] == [True]
    taken.subjects["mycelial"] = "1.0, libfuse 3.17.2, kernel passthrough on"
    assert [verdict.met for verdict in verdicts(taken)] == [False]


def test_comparison_shows_what_became_of_figures_and_curves() -> None:
    before, after = result(native=[1e-6]), result(native=[1e-6])
    for taken, memory in ((before, 30.0), (after, 45.0)):
        taken.figures["memory"] = Figure("memory of the mount", "MB", memory)
        taken.curves["files"] = Curve("stat", "files", "µs", {"mycelial": [(10.0, memory)]})
    lines = comparison(before, after).splitlines()
    assert any("memory of the mount" in line and "+50%" in line for line in lines)
    assert any("stat, mycelial, at 10 files" in line and "+50%" in line for line in lines)


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
