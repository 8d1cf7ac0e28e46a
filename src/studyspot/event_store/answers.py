"""The answers to keyed commands, as SQL: found while they live, stored with their events, forgotten later."""

NONE_ANSWERED = """
    SELECT NULL::smallint AS command, NULL::bigint AS position, NULL::bytea AS fingerprint,
        NULL::bytea AS body
    WHERE false"""

ANSWERED_COMMANDS = """
    SELECT k.command, a.position, a.fingerprint, a.body
    FROM unnest(%(key_commands)b::smallint[], %(key_actors)b::text[], %(keys)b::text[]) k(command, actor, key)
    CROSS JOIN LATERAL (
        SELECT position, fingerprint, body FROM store.answers
        WHERE actor = k.actor AND key = k.key AND stored_at > now() - interval '24 hours'
        ORDER BY position DESC LIMIT 1
    ) a"""

# An answer past its time stays beside the one that replaces it until it is forgotten: only the newest counts.
REMEMBER = """
    INSERT INTO store.answers (actor, key, position, fingerprint, body)
    SELECT k.actor, k.key, w.position, k.fingerprint, k.body
    FROM unnest(%(key_commands)b::smallint[], %(key_actors)b::text[], %(keys)b::text[],
            %(fingerprints)b::bytea[], %(answers)b::bytea[]) k(command, actor, key, fingerprint, body)
    CROSS JOIN LATERAL (SELECT position FROM won_commands w WHERE w.command = k.command LIMIT 1) w"""

STORED_ANSWER = """
    SELECT position, fingerprint, body FROM store.answers
    WHERE actor = %(actor)b AND key = %(key)b AND stored_at > now() - interval '24 hours'
    ORDER BY position DESC LIMIT 1"""

FORGET_EXPIRED = """
    DELETE FROM store.answers WHERE (actor, key, position) IN (
        SELECT actor, key, position FROM store.answers
        WHERE stored_at < now() - interval '24 hours' ORDER BY stored_at LIMIT %(limit)b)"""
