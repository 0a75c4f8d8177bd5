"""Checks any stream parser: tries every law on it, and reports which it breaks."""

from sansio.testing.parsers.check import check_parser, laws_for
from sansio.testing.parsers.parser import Parser

__all__ = ["Parser", "check_parser", "laws_for"]
