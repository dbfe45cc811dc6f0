"""The parts of `bench_link.py`: other trackers, one of them in an environment of its own."""
