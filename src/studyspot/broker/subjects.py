"""NATS subject filters: which one covers which.

A token `*` stands for any one token, a last token `>` for one or more.
"""

from collections.abc import Iterable

ANY_TOKEN = "*"  # noqa: S105  # A wildcard, not a password.
ANY_REST = ">"


def covers(wider: str, narrower: str) -> bool:
    """Return whether every subject that `narrower` matches is matched by `wider`."""
    wide, narrow = wider.split("."), narrower.split(".")
    for index, token in enumerate(wide):
        if token == ANY_REST:
            return index < len(narrow)
        if index >= len(narrow) or narrow[index] == ANY_REST:
            return False
        if token not in (ANY_TOKEN, narrow[index]):
            return False
    return len(wide) == len(narrow)


def reduce_subjects(subjects: Iterable[str]) -> tuple[str, ...]:
    """Return the fewest of `subjects` that match the same messages, sorted.

    A consumer whose filters repeat one another, or of which one covers another, is refused by the server.
    Filters that merely overlap (`a.*.L1.*`, `a.*.*.s1`) are allowed, and a message that matches both
    comes once.
    """
    kept: list[str] = []
    for subject in sorted(set(subjects)):
        if any(covers(other, subject) for other in kept):
            continue
        kept = [other for other in kept if not covers(subject, other)]
        kept.append(subject)
    return tuple(sorted(kept))
