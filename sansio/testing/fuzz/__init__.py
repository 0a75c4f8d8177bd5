"""Entry points for a coverage-guided fuzzer: any bytes in, an `AssertionError` if a law is broken.

`python -m sansio.testing.fuzz TARGET` runs one under atheris (the extra `fuzz`). Under any other fuzzer,
call `TARGETS[name](data)`; `seeds(name)` are inputs to begin with. Pure, except for the command itself.
"""

from sansio.testing.fuzz.seeds import seeds
from sansio.testing.fuzz.targets import TARGETS

__all__ = ["TARGETS", "seeds"]
