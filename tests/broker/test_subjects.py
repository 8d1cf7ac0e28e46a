from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import BadRequestError

from studyspot.broker.stream import STREAM, ensure_stream
from studyspot.broker.subjects import covers, reduce_subjects

TOKENS = ("a", "b")
ALL_SUBJECTS = [".".join(tokens) for length in (1, 2, 3) for tokens in product(TOKENS, repeat=length)]
FILTERS = [
    ".".join(tokens)
    for length in (1, 2, 3)
    for tokens in product(("a", "b", "*", ">"), repeat=length)
    if ">" not in tokens[:-1]
]


@pytest.mark.parametrize(
    ("wider", "narrower", "covered"),
    [
        ("studyspot.>", "studyspot.booking.>", True),
        ("studyspot.*.*.L1.*", "studyspot.booking.created.L1.s1", True),
        ("studyspot.*.*.L1.*", "studyspot.*.*.L1.*", True),
        ("studyspot.*.*.L1.*", "studyspot.*.*.*.s1", False),
        ("studyspot.booking.>", "studyspot.>", False),
        ("studyspot.booking.>", "studyspot.booking", False),
        ("studyspot.*", "studyspot.>", False),
    ],
)
def test_one_filter_covers_another_when_it_matches_all_that_the_other_does(
    wider: str, narrower: str, covered: bool
) -> None:
    assert covers(wider, narrower) is covered


@given(st.sets(st.sampled_from(FILTERS)))
def test_reduced_filters_match_the_same_subjects_and_none_covers_another(filters: set[str]) -> None:
    reduced = reduce_subjects(filters)
    for subject in ALL_SUBJECTS:
        assert any(covers(wanted, subject) for wanted in filters) == any(
            covers(kept, subject) for kept in reduced
        )
    assert not any(covers(one, other) or covers(other, one) for one, other in combinations(reduced, 2))


async def test_the_server_refuses_covering_filters_and_takes_them_reduced(js: JetStreamContext) -> None:
    await ensure_stream(js, epoch="k1")
    rooms = ["studyspot.*.*.L1.*", "studyspot.*.*.*.s1", "studyspot.*.*.L1.s1", "studyspot.booking.*.L1.*"]
    with pytest.raises(BadRequestError):
        await js.add_consumer(STREAM, ConsumerConfig(filter_subjects=rooms, ack_policy=AckPolicy.NONE))
    reduced = reduce_subjects(rooms)
    assert reduced == ("studyspot.*.*.*.s1", "studyspot.*.*.L1.*")
    await js.add_consumer(STREAM, ConsumerConfig(filter_subjects=list(reduced), ack_policy=AckPolicy.NONE))
