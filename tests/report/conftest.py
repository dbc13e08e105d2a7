"""Records that the tests of this folder share: three models, the last named like a script."""

import pytest
from builders.report import EVIL, write_records

from clearbench.records.select import load_results


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    return write_records(tmp_path_factory.mktemp("out"), models=(("one", "1"), ("two", "2"), (EVIL, "3")))


@pytest.fixture(scope="session")
def entries(results):
    return load_results(results)
