"""Watching calls: the interface of observers, and one that reports to OpenTelemetry."""
