"""How dataclasses of the domain look outside Python."""

from typing import Any, ClassVar


def camel_case(name: str) -> str:
    """Return `some_name` as `someName`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Shape:
    """Base of what is stored or sent: camelCase names, and nothing unknown beside them.

    A plain mapping, so that the domain needs no third party; the catalogue's codec reads it.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "alias_generator": camel_case,
        "extra": "forbid",
        "ser_json_bytes": "base64",
    }
