"""Measurements that are made side by side, in one run, on one machine."""
