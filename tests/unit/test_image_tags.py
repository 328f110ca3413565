"""Tags of images: every workspace id fits into one, and the workspace is read back from it and from no other tag."""

import re

from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.image_tags import image_tag, workspace_of
from functions.contracts.names import DEPLOYED_TAG

WORKSPACES = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", fullmatch=True)


@given(st.binary(min_size=32, max_size=32), WORKSPACES)
def test_a_tag_names_its_workspace(source: bytes, workspace_id: str) -> None:
    tag = image_tag(source, workspace_id)
    assert workspace_of(tag) == workspace_id
    # Distribution's grammar of tags, and what lifecycle rules leave alone.
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", tag)
    assert not tag.startswith(DEPLOYED_TAG)


@given(st.binary(min_size=32, max_size=32), WORKSPACES, WORKSPACES)
def test_no_two_workspaces_share_a_tag(source: bytes, one: str, other: str) -> None:
    assert (image_tag(source, one) == image_tag(source, other)) == (one == other)


@given(st.one_of(st.text(max_size=90), st.just(DEPLOYED_TAG + "0" * 32), st.just("7d0c3f9a51e2b846")))
def test_other_tags_name_no_workspace(tag: str) -> None:
    if not re.match(r"[0-9a-f]{16}-.", tag):
        assert workspace_of(tag) is None
