"""Seconds and megabytes of the method's parts, beside plain code for the same work: ``python -m benchmarks``."""
