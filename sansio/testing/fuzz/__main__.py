"""`python -m sansio.testing.fuzz TARGET [SECONDS]`: coverage-guided fuzzing under atheris.

Without a target, it lists all of them, and which extras are missing.
The corpus begins with our own seeds, in a temporary folder; a crash is written to
`crash-TARGET-…` in the working folder.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_EXTRAS = {"fuzz": ("atheris", "every target"), "http2": ("h2", "http2")}
"""Each extra, the module that it installs, and the targets that need it."""


def _targets() -> str:
    """The targets, each with what must hold, and the extras that are missing."""
    from sansio.testing.fuzz import TARGETS

    width = max(map(len, TARGETS))
    lines = []
    for name, target in TARGETS.items():
        law = (getattr(target, "func", target).__doc__ or "").partition("\n")[0]
        lines.append(f"{name:<{width}}  {law}")
    for extra, (module, targets) in _EXTRAS.items():
        if module not in sys.modules and find_spec(module) is None:
            lines.append(f"missing for {targets}: {module}; pip install 'sansio-llm[{extra}]'")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Fuzz one target, or list them all; returns the exit status, 2 for wrong arguments."""
    from sansio.testing.fuzz import TARGETS, seeds

    if not arguments:
        print(_targets())
        return 0
    if arguments[0] not in TARGETS or not all(a.isdigit() for a in arguments[1:2]):
        print(f"usage: python -m sansio.testing.fuzz {{{','.join(TARGETS)}}} [SECONDS]", file=sys.stderr)
        return 2
    try:
        import atheris  # type: ignore[import-untyped]  # it ships no types, and is an extra
    except ImportError:
        print("atheris is missing: pip install 'sansio-llm[fuzz]'", file=sys.stderr)
        return 1
    # `python -m` has imported the package already, without instruments.
    for module in [name for name in sys.modules if name.partition(".")[0] == "sansio"]:
        del sys.modules[module]
    name, seconds = arguments[0], int(arguments[1]) if len(arguments) > 1 else 60
    with atheris.instrument_imports(include=["sansio"]):
        from sansio.testing.fuzz import TARGETS, seeds  # again, with instruments

        for seed in seeds(name):  # so that what a target imports late, such as HTTP/2, has them too
            TARGETS[name](seed)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            "-max_len=4096",
            f"-artifact_prefix=crash-{name}-",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, *arguments[2:], corpus], TARGETS[name])
        atheris.Fuzz()  # ends the process
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
