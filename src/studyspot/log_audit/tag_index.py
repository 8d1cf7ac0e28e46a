"""The tag index: a row for each tag of each event, and no other."""

from studyspot.event_store.inspection import OUTSIDE, STRETCH, Digest, Inspection
from studyspot.log_audit.findings import Findings, Progress

_NONE: Digest = (0, 0)


def audit_tag_index(inspection: Inspection, head: int, findings: Findings, progress: Progress) -> int:
    """Compare the rows of the tag index up to `head` with the events' tags; return how many rows there are.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    called_for: dict[int, Digest] = {}
    there: dict[int, Digest] = {}
    stretches = -(-head // STRETCH)
    steps, done = stretches + inspection.blocks, 0
    for digests, read in ((called_for, inspection.called_for), (there, inspection.there)):
        for found in read(head):
            for stretch, (rows, digest) in found.items():
                before_rows, before = digests.get(stretch, _NONE)
                digests[stretch] = (before_rows + rows, before ^ digest)
            done += 1
            progress("tag index", min(done, steps), steps)
    differing = sorted(
        stretch
        for stretch in called_for.keys() | there.keys()
        if called_for.get(stretch, _NONE) != there.get(stretch, _NONE)
    )
    if differing:
        _name_rows(inspection, differing, head, findings)
    return sum(rows for rows, _ in there.values())


def _name_rows(inspection: Inspection, stretches: list[int], head: int, findings: Findings) -> None:
    for stretch in stretches:
        if stretch == OUTSIDE:
            continue
        for position, kind, tag in inspection.missing_rows(stretch, head):
            what = f"the tag index lacks {tag} of {kind} at position {position}"
            findings.add("tag-row-missing", position, what)
    for rows in inspection.extra_rows(stretches, head):
        for position, kind, tag in rows:
            what = f"the tag index has {tag} of {kind} at position {position}, for which no event calls"
            findings.add("tag-row-extra", position, what)
