"""What all tests share: the repository on the path, hypothesis profiles, and which tests this user can run.

The suite runs twice, as root and as an ordinary user. A test marked `as_root` or `as_user` makes sense for
one of them only; the other run does not collect it, so a skip in the report always means that something is
missing.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

REPOSITORY = Path(__file__).resolve().parent.parent
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from mycelial import core  # noqa: E402 - before a test's own filesystem imports pyfuse3
from tests.mount.fixtures import mount, new_mount, session_directory, shared_mounts, workspace  # noqa: E402

__all__ = ["core", "mount", "new_mount", "session_directory", "shared_mounts", "workspace"]

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("explore", parent=settings.get_profile("ci"), derandomize=False, max_examples=1000)
settings.register_profile("quick", parent=settings.get_profile("ci"), phases=[Phase.generate], max_examples=5)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "as_root: only makes sense for root")
    config.addinivalue_line("markers", "as_user: only makes sense for an ordinary user")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if (
            signal.getsignal(number) is signal.SIG_IGN
        ):  # by nohup, or a shell's &, and all programs would inherit it
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    other = "as_user" if os.geteuid() == 0 else "as_root"
    for_the_other = [item for item in items if item.get_closest_marker(other)]
    if for_the_other:
        chosen = set(for_the_other)
        items[:] = [item for item in items if item not in chosen]
        config.hook.pytest_deselected(items=for_the_other)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree under test."""
    return REPOSITORY
