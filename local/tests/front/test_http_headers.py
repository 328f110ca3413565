"""Headers of answers that are sent on."""

from hypothesis import given
from hypothesis import strategies as st

from local.http_headers import answered

NAMES = st.sampled_from(
    [b"Set-Cookie", b"set-cookie", b"ETag", b"Date", b"DATE", b"Connection", b"Content-Length", b"TE"]
)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=5)))


@given(HEADERS)
def test_what_an_answer_says_is_kept_in_order_and_number(headers: list[tuple[bytes, bytes]]) -> None:
    kept = {b"set-cookie", b"etag"}
    assert answered(headers) == [(name.lower(), value) for name, value in headers if name.lower() in kept]
