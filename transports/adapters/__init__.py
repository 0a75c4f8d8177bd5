"""Transports over HTTP libraries that an application already uses; some need the extra of their name."""
