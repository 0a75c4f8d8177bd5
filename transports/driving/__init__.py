"""What an application holds: facades, the event streams that drive a call, clocks, keys and raw log."""
