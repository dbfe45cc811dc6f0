"""The parts of `bench_link.py`: ``peers`` links with other trackers, ``btrack_peer`` is run elsewhere."""
