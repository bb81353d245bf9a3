from fixtures import place, superd  # noqa: F401
