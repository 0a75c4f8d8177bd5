"""The published corpus: streams of every wire, with what they mean, for parsers in any language.

What the cases mean is stated beside them, or is the script that the encoders wrote; no parser of this library
is asked. `docs/corpus.md` documents the form.
"""

from sansio.testing.corpus.case import FORMAT, Case
from sansio.testing.corpus.files import FAMILIES, cases, corpus_files

__all__ = ["FAMILIES", "FORMAT", "Case", "cases", "corpus_files"]
