"""Content of objects and layers: in files, and whole."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from local.aws.seams.stored_bytes import IN_MEMORY_BYTES, Layers
from local.tests.aws.conftest import Cloud

BUCKET = "stored-bytes"
KEY = "folder/object"
SIZE = 4 * 1024 * 1024
NUMBER = 24
MOST_GROWTH = 48 * 1024 * 1024
"""Half of what the objects of a round are together: the rest is what requests leave behind."""
ROUNDS = 4


@pytest.fixture(scope="module")
def s3(cloud: Cloud) -> Any:
    """A client, with a bucket whose objects have versions, as the stack's have."""
    client = cloud.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def test_objects_are_not_held_in_memory(cloud: Cloud, s3: Any) -> None:
    # Other work of the process may grow it meanwhile, once; objects that are held grow it in every round.
    growths = (growth_of_a_round(cloud, s3) for _ in range(ROUNDS))
    assert any(growth < MOST_GROWTH for growth in growths)
    for number in range(NUMBER):
        assert s3.get_object(Bucket=BUCKET, Key=f"large/{number}")["Body"].read() == number.to_bytes() * SIZE


def test_each_version_has_its_own_content(s3: Any) -> None:
    contents = [b"first", b"second" * 20_000, b"", b"last"]
    versions = [s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)["VersionId"] for content in contents]
    assert [content(s3, version) for version in versions] == contents
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert [content(s3, version) for version in versions] == contents, "a marker hides them, and no more"


def test_a_version_that_comes_back_has_its_content(s3: Any) -> None:
    key = "back"
    first = s3.put_object(Bucket=BUCKET, Key=key, Body=b"first")["VersionId"]
    second = s3.put_object(Bucket=BUCKET, Key=key, Body=b"second")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key=key, VersionId=second)
    answer = s3.get_object(Bucket=BUCKET, Key=key)
    assert (answer["VersionId"], answer["Body"].read()) == (first, b"first")


@pytest.mark.parametrize("size", [0, IN_MEMORY_BYTES, IN_MEMORY_BYTES + 1])
def test_layers_are_a_mapping_of_their_content(tmp_path: Path, size: int) -> None:
    layers, layer = Layers(tmp_path), bytes(size)
    digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    layers[digest] = layer
    layers[digest] = layer
    assert len(list(tmp_path.iterdir())) == (size > IN_MEMORY_BYTES)
    assert dict(layers) == {digest: layer}
    assert layers.get("sha256:other") is None
    del layers[digest]
    assert not layers
    assert not list(tmp_path.iterdir())


def growth_of_a_round(cloud: Cloud, s3: Any) -> int:
    """Bytes that the process holds more of its own after new versions of every large object."""
    before = resident(cloud)
    for number in range(NUMBER):
        s3.put_object(Bucket=BUCKET, Key=f"large/{number}", Body=number.to_bytes() * SIZE)
    return resident(cloud) - before


def content(s3: Any, version: str) -> bytes:
    """What a version of the object holds."""
    found: bytes = s3.get_object(Bucket=BUCKET, Key=KEY, VersionId=version)["Body"].read()
    return found


def resident(cloud: Cloud) -> int:
    """Bytes that the process holds of its own, files left out."""
    lines = Path(f"/proc/{cloud.process.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024
