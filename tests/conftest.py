"""What every test runs under: the cooperative standard library of the product, and deterministic examples."""

from gevent import monkey

monkey.patch_all()  # before anything imports ssl, socket or threading

import os

import hypothesis

pytest_plugins = ["tests.cluster.fixtures", "tests.chromium"]

hypothesis.settings.register_profile(
    "portal",
    deadline=None,  # a busy machine is not a mistake of the code
    derandomize=True,
    max_examples=100,
    database=None,
)
hypothesis.settings.register_profile(
    "search",
    parent=hypothesis.settings.get_profile("portal"),
    derandomize=False,
    max_examples=5000,
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "portal"))
