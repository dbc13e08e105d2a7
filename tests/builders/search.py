"""Pools that tests search in."""

from builders.encoders import HashEncoder
from clearbench.search.engines import open_engine
from clearbench.tasks.dataset import Dataset


def open_pool(data: Dataset, key: str, encoder=None):
    """Open a pool of a data set for search, with vectors of a few dimensions unless an encoder is given."""
    engine = open_engine(encoder or HashEncoder(dimension=4), [data])
    engine.prepare(engine.plan([data]))
    return engine.open(data.pools[key])
