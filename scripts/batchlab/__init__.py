"""The library behind batchlab's scripts: planning, data, training, probes, statistics, charts."""

__version__ = "0.1.0"
