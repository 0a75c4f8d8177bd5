"""A plain script without an event loop: it prints an answer as it arrives, and what it cost."""

import sys

from sansio import ProviderError
from transports import create_sync_provider


def main(provider, question):
    try:
        with provider.stream(question) as stream:
            for piece in stream.text():
                print(piece, end="", flush=True)
    except ProviderError as error:
        raise SystemExit(f"\n{error}") from error
    usage = stream.result().usage
    print(f"\n{usage.input_tokens} tokens in, {usage.output_tokens} out")


if __name__ == "__main__":
    with create_sync_provider() as provider:  # the key is read from OPENROUTER_API_KEY
        main(provider, " ".join(sys.argv[1:]) or "Hello")
