"""The objects that an application uses: facades and event streams, with their clocks, keys and raw log."""
