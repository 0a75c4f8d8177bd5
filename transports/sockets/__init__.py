"""Transports over plain sockets: asyncio, anyio (trio too) and blocking."""
