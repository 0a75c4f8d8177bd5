"""What the site's reference needs to know of this code: an extension of griffe that `mkdocs.yml` names.

A `Struct` takes its fields as arguments, which griffe knows of dataclasses only. What is below `Example:` in
a docstring is code.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any  # Any: what griffe gives

import griffe

_EXAMPLE = re.compile(r"(^|\n)Examples?:\n((?:[ ]{4}.*(?:\n|$)|\n)+)")


class Reference(griffe.Extension):
    """See the module."""

    def on_object(self, *, obj: Any, **kwargs: Any) -> None:
        """Called for each object when it was read."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)

    def on_class(self, *, cls: Any, **kwargs: Any) -> None:
        """Called for each class when it was read, with its members."""
        if "__init__" in cls.members or "Struct" not in [str(base) for base in cls.bases]:
            return
        fields = [
            member
            for member in cls.attributes.values()
            if member.annotation is not None and "ClassVar" not in str(member.annotation)
        ]
        made = [
            griffe.Parameter(
                field.name,
                annotation=field.annotation,
                kind=griffe.ParameterKind.positional_or_keyword,
                default=field.value,
            )
            for field in fields
        ]
        this = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
        init = griffe.Function("__init__", parameters=griffe.Parameters(this, *made), parent=cls)
        cls.set_member("__init__", init)


def _fenced(match: re.Match[str]) -> str:
    code = textwrap.dedent(match[2]).strip("\n")
    shown = code if code.startswith("`") else f"```python\n{code}\n```"
    return f"{match[1]}Example:\n{textwrap.indent(shown, '    ')}\n"
