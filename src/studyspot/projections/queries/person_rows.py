"""Rows of people, for every query that asks about them."""

from typing import LiteralString

# One row each: `user_id`, `role` (none for who has no account here), `status` (active, disabled or erased),
# `registered_at` (none without an account), `barred_since`, and `position`, that of what first told of them.
PERSONS: LiteralString = """
    SELECT user_id, p.role, coalesce(b.status, 'active') AS status, p.registered_at,
        b.since AS barred_since, coalesce(p.position, b.position) AS position
    FROM {people} AS p FULL JOIN {barred} AS b USING (user_id)
"""
