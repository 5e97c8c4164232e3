"""In which processes, and in which order, the tests run."""

import gc

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, but not in the process that only deals out the tests: they load torch."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        for plugin in ("tests.fixtures", "tests.page", "tests.window"):
            config.pluginmanager.import_plugin(plugin)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for other processes, so that they fall to one worker.

    Only its fork server has to load torch, and the other workers have the processor meanwhile.
    """
    forking = ("test_window", "test_window_closing", "test_faults", "test_ranks")
    items.sort(key=lambda item: item.path.stem not in forking)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules that stay, a million objects, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
