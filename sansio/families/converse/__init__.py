"""Converse: Amazon Bedrock's own API, which is the same for the models of all makers.

Wire facts: the reference of Amazon Bedrock's runtime ("Converse", "ConverseStream"), botocore's description
of it, and recorded answers of a dozen models.
"""

from sansio.families.converse.request import ConverseDialect

__all__ = ["ConverseDialect"]
