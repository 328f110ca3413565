"""Signatures as cosign writes and finds them, and what a registry may answer in place of one."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.image_tags import workspace_of
from functions.contracts.names import DEPLOYED_TAG
from functions.contracts.statements import pre_authentication
from functions.signing import formats, verification
from functions.signing.formats import Blob

REPOSITORY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas"
DIGEST = "sha256:" + "0123456789abcdef" * 4
TAGS = [
    formats.signature_tag(DIGEST),
    formats.attestation_tag(DIGEST, formats.PROVENANCE),
    formats.attestation_tag(DIGEST, formats.SBOM),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
LAYER = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.just(formats.SIMPLE_SIGNING) | JSON,
        "digest": st.just(DIGEST) | JSON,
        "annotations": st.fixed_dictionaries({formats.SIGNATURE_ANNOTATION: st.just("AAAA") | JSON}) | JSON,
    },
)


def test_the_payload_is_cosigns_to_the_byte() -> None:
    assert (
        formats.signature_payload(REPOSITORY, DIGEST)
        == (
            f'{{"critical":{{"identity":{{"docker-reference":"{REPOSITORY}"}},'
            f'"image":{{"docker-manifest-digest":"{DIGEST}"}},'
            '"type":"cosign container image signature"},"optional":null}'
        ).encode()
    )


def test_an_attestation_is_signed_in_dsses_encoding() -> None:
    assert pre_authentication(b'{"a":1}') == b'DSSEv1 28 application/vnd.in-toto+json 7 {"a":1}'


def test_an_artifact_names_its_image_as_its_subject() -> None:
    subject = Blob(formats.MANIFEST_TYPE, b"the image's manifest")
    manifest = json.loads(formats.signature(REPOSITORY, DIGEST, b"signed").manifest(subject))
    assert manifest["subject"] == {"mediaType": formats.MANIFEST_TYPE, "digest": subject.digest, "size": 20}
    assert manifest["artifactType"] == formats.SIGNATURE_ARTIFACT
    assert "annotations" not in manifest
    assert manifest["config"]["digest"] == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("tag", TAGS)
def test_tags_about_an_image_are_nobody_elses(tag: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag)
    assert tag.startswith(formats.TAG_PREFIX)
    assert tag != DIGEST.replace(":", "-"), "the tag of the referrers fallback"
    assert workspace_of(tag) is None
    assert not tag.startswith(DEPLOYED_TAG)
    assert len(set(TAGS)) == len(TAGS)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_answered_in_place_of_a_manifest_is_no_signature(content: bytes) -> None:
    assert list(verification._signatures(Blob(formats.MANIFEST_TYPE, content), DIGEST)) == []


@given(st.lists(LAYER | JSON, max_size=12))
def test_only_signatures_of_the_payload_are_taken(layers: list[Any]) -> None:
    content = json.dumps({"layers": layers}).encode()
    found = list(verification._signatures(Blob(formats.MANIFEST_TYPE, content), DIGEST))
    wanted = [
        layer
        for layer in layers[:8]
        if isinstance(layer, dict)
        and (layer.get("mediaType"), layer.get("digest")) == (formats.SIMPLE_SIGNING, DIGEST)
        and isinstance(layer.get("annotations"), dict)
        and layer["annotations"].get(formats.SIGNATURE_ANNOTATION) == "AAAA"
    ]
    assert found.count(b"\0\0\0") == len(wanted)
    assert all(isinstance(signed, bytes) and signed for signed in found)
