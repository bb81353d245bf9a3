from fixtures import place, pytest_cmdline_main, superd  # noqa: F401
