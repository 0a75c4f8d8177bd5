"""Amazon Bedrock's hosts: their regions, and how requests to them are signed.

Sources: Amazon Bedrock's user guide ("API keys", "Supported Regions"), IAM's ("Signature Version 4"), and
recorded errors about wrong clocks.
"""

from __future__ import annotations

import re

from sansio.config import ProviderConfig
from sansio.credentials import Credentials, Key
from sansio.errors import APIStatusError, ConfigError
from sansio.families.base import Dialect
from sansio.http.messages import Headers, Request
from sansio.signing import sign
from sansio.times import read_basic_time

_HOST = re.compile(
    r"(bedrock(?:-runtime|-mantle)?)(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
"""AWS's own hosts: the service, and the region."""
_SIGNED_AT = re.compile(r"\b[0-9]{8}T[0-9]{6}Z")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class BedrockHost(Dialect):
    """A region of Bedrock. All of its wire families take the same keys: a bearer key, or AWS credentials."""

    TYPE = "bedrock"

    @property
    def config(self) -> ProviderConfig:
        """The provider's configuration.

        Raises:
            ConfigError: it has no region, or the dialect was made without a config.
        """
        config = super().config
        if "{region}" in config.base_url:
            raise _no_region(config)
        return config

    @property
    def region(self) -> str:
        """The region that a request is signed for: the config's, or the region in the host's name.

        Raises:
            ConfigError: neither names a region.
        """
        config = self.config
        found = _HOST.search(config.base_url)
        region = config.region or (found[2] if found else None)
        if region is None:
            raise _no_region(config)
        return region

    def authorize(self, request: Request, key: Key | None, *, now: float = 0.0) -> Request:
        """Sign with AWS credentials, or send the bearer key."""
        try:
            if not isinstance(key, Credentials):
                return super().authorize(request, key, now=now)
            found = _HOST.fullmatch(request.host)
            mantle = found is not None and found[1] == "bedrock-mantle"
            service = "bedrock-mantle" if mantle else "bedrock"
            return sign(request, key, region=self.region, service=service, now=now)
        finally:
            del key  # a traceback that shows locals must not show it

    def parse_error(self, status: int, headers: Headers, body: str) -> APIStatusError:
        """The error of a response. If a wrong clock is the cause, the hint says by how much it is wrong."""
        error = super().parse_error(status, headers, body)
        skew = _skew_in(error.provider_message or "")
        if not skew:
            return error
        side = "ahead of" if skew > 0 else "behind"
        return error.with_context(
            hint=f"The clock of this machine is {_span(abs(skew))} {side} AWS's, and signatures are valid "
            "for five minutes: set the clock, or use a bearer key."
        )


def _no_region(config: ProviderConfig) -> ConfigError:
    variables = config.region_variables
    return ConfigError(
        f"region: {config.type} needs one; give region, such as 'us-east-1', or set {variables[0]}, which "
        "create_provider reads",
        field="region",
    )


def _skew_in(message: str) -> int:
    """By how many seconds the time of a signature is ahead of the server's clock; 0 if the message is about
    something else. Such a message names the time of the signature first and the server's time last."""
    if not message.startswith("Signature "):
        return 0
    times = [read_basic_time(found) for found in _SIGNED_AT.findall(message)]
    known = [moment for moment in times if moment is not None]
    return known[0] - known[-1] if known else 0


def _span(seconds: int) -> str:
    """A span in its two largest units, such as `10 d 18 h`."""
    words = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2])
