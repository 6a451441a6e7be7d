"""Pictures are made of what was measured, and any viewer of SVG can read them."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.plot import bars, lines, plots, write_plots
from bench.profile.flame import flame_graph
from bench.profile.load import fold
from bench.profile.sampler import start
from bench.results import Curve, Result

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def widths(picture: str) -> list[float]:
    """Of all rectangles, without the background."""
    return [float(shape.get("width", 0)) for shape in ElementTree.fromstring(picture).iter(f"{SVG}rect")][1:]


def test_a_bar_is_as_long_as_the_logarithm_of_its_ratio() -> None:
    picture = bars("a & b", ["bindfs", "mycelial"], [("stat", [100.0, 10.0])])
    _, _, long, short = widths(picture)  # behind the legend's two
    assert long == pytest.approx(2 * short, abs=0.3)
    assert {"a & b", "stat", "100.00", "10.00", "bindfs"} <= set(texts(picture))


def test_a_curve_is_drawn_with_its_slope() -> None:
    curve = Curve("memory", "files", "MB", {"mycelial": [(10.0, 1.0), (1000.0, 100.0)]})
    picture = lines(curve)
    assert "mycelial (+1.00)" in texts(picture)
    [track] = [line.get("points", "") for line in ElementTree.fromstring(picture).iter(f"{SVG}polyline")]
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in track.split())
    assert x1 < x2
    assert y1 > y2  # downwards is less


def test_a_flat_curve_can_be_drawn() -> None:
    ElementTree.fromstring(lines(Curve("memory", "s", "MB", {"mount": [(1.0, 5.0), (2.0, 5.0)]})))


def test_every_workload_and_every_curve_gets_its_picture(tmp_path: Path) -> None:
    machine: dict[str, object] = {"kernel": "6.18", "user": "root", "cores": 2}
    result = Result(
        machine, {}, {"stat": "stat"}, {"stat": "call"}, {"stat": {"native": [1.0], "bindfs": [2.0]}}
    )
    result.curves["growth"] = Curve("memory", "files", "MB", {"mycelial": [(1.0, 1.0), (2.0, 2.0)]})
    result.curves["point"] = Curve("memory", "files", "MB", {"mycelial": [(1.0, 1.0)]})
    assert [name for name, _ in plots(result)] == ["workloads", "growth"]
    written = write_plots(result, tmp_path / "new", "root-")
    assert [path.name for path in written] == ["root-workloads.svg", "root-growth.svg"]


def test_a_frame_is_as_wide_as_it_was_seen_often() -> None:
    picture = flame_graph("t", {("main", "read"): 3, ("main", "write <x>"): 1})
    whole, main, read, write = widths(picture)
    assert whole == main
    assert read == pytest.approx(3 * write, rel=0.01)
    assert "write <x>" in texts(picture)


def test_perfs_samples_are_counted_by_stack() -> None:
    kernel, library = "vfs_read+0x10 ([kernel.kallsyms])", "[unknown] (/usr/lib/libc.so.6)"
    sample = f"\t ffff9 {kernel}\n\t 7f01 {library}\n\t 55 main (/bin/x)\n"
    assert fold(f"{sample}\n{sample}\n\t 55 main (/bin/x)\n") == {
        ("main", "[libc.so.6]", "vfs_read_[k]"): 2,
        ("main",): 1,
    }


def test_the_sampler_sees_what_takes_the_time(tmp_path: Path) -> None:
    script = (
        "import runpy, pathlib\n"
        f"runpy.run_path({start.__code__.co_filename!r})['start'](pathlib.Path('out'))\n"
        "def busy():\n"
        "    for _ in range(20_000_000): pass\n"
        "busy()\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    stacks = dict(line.rsplit(" ", 1) for line in (tmp_path / "out").read_text().splitlines())
    assert int(stacks["__main__.<module>;__main__.busy"]) > 10
