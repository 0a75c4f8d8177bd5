"""Provider types: what each is, and which wire families it speaks."""

from sansio.providers.registry import dialect_for, dialect_named, register_provider

__all__ = ["dialect_for", "dialect_named", "register_provider"]
