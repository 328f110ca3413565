"""A `spin` for tests that talks to registries as the real one does: HTTPS to the name that it is given.

Like reqwest with OpenSSL, it takes a proxy from HTTPS_PROXY and authorities from SSL_CERT_FILE. Its image is the
stand-in's. A script: ``registry login --username=U --password-stdin HOST``, ``registry push --from F REFERENCE``.
"""

import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import httpx

from local.oci.auth import parse_challenge
from local.oci.credentials import Credentials, decode_pair, encode_pair
from local.oci.reference import parse_reference
from local.spin_cli.image import build_image, read_sources, utc_now
from local.spin_cli.lock import load_app

AUTHS = Path(os.environ["HOME"], "strict-auth.json")


def login(user: str, host: str) -> None:
    """Ask ``/v2/`` for its challenge; Basic is taken on trust."""
    scheme, _ = parse_challenge(httpx.get(f"https://{host}/v2/").headers["WWW-Authenticate"])
    assert scheme == "basic"
    AUTHS.parent.mkdir(parents=True, exist_ok=True)
    AUTHS.write_text(json.dumps({host: encode_pair(Credentials(user, sys.stdin.read()))}))
    print(f"Successfully logged in as {user} to registry {host}")  # what the command says


def push(manifest: str, text: str) -> None:
    """Upload blobs and manifest."""
    reference = parse_reference(text)
    pair = decode_pair(json.loads(AUTHS.read_text())[reference.server])
    assert pair is not None
    app = load_app(manifest)
    image = build_image(app, read_sources(app), created=utc_now())
    base = f"https://{reference.host}/v2/{reference.repository}"
    with httpx.Client(headers={"Authorization": pair.basic()}) as client:
        for blob in [*image.layers, image.config]:
            opened = client.post(f"{base}/blobs/uploads/").raise_for_status()
            sent = client.patch(opened.url.join(opened.headers["Location"]), content=blob.content).raise_for_status()
            last = sent.url.join(sent.headers["Location"]).copy_merge_params({"digest": blob.digest})
            client.put(last).raise_for_status()
        content_type = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
        put = client.put(f"{base}/manifests/{reference.version}", content=image.manifest, headers=content_type)
        print(f"Pushed with digest {put.raise_for_status().headers['Location'].rpartition('/')[2]}")


def main(arguments: list[str]) -> None:
    """One command."""
    match arguments:
        case ["registry", "login", user, "--password-stdin", host]:
            login(user.removeprefix("--username="), host)
        case ["registry", "push", "--from", manifest, reference]:
            push(manifest, reference)
        case _:
            print("environment", os.environ.get("HTTPS_PROXY"))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except httpx.HTTPError as failure:
        sys.exit(f"Error: {failure}")
