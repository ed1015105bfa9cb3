"""Commands of `run.py`."""
