"""Other projects' stream parsers, each behind the two functions that `check_parser` needs.

`python -m benchmarks.parsers` checks all that are installed. `docs/check-parser.md` has what was found.
"""
