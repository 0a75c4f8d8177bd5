"""Benchmarks: this library, a minimal decoder, bare HTTP libraries and the official SDKs, in one run.

`python -m benchmarks --help` says how to run them.
"""
