"""Transports over sockets of their own: asyncio, anyio (trio too) and blocking."""
