"""``spin registry push``: load, check, assemble, upload, in that order. Source: crates/oci/src/client.rs."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from local.oci.mirrors import Mirrors
from local.oci.reference import ImageReference, InvalidReferenceError, parse_reference, sha256_digest
from local.spin_cli.image import Image, build_image, read_sources, utc_now
from local.spin_cli.lock import load_app
from local.spin_cli.terminal import SpinError

_PARALLEL_UPLOADS: Final = 16


def push(
    manifest_path: str, reference_text: str, *, mirrors: Mirrors, insecure: bool, annotations: Mapping[str, str]
) -> str | None:
    """Push an app; returns its manifest digest, None when the registry's answer does not tell it.

    Parameters
    ----------
    manifest_path
        The app's spin.toml.
    reference_text
        Where to, as typed.
    mirrors
        Where registries are really to be found.
    insecure
        Plain HTTP for the whole push.
    annotations
        Of the image's manifest; they win over what is inferred.

    Raises
    ------
    SpinError
        Anything that stops it.
    """
    try:
        reference = parse_reference(reference_text)
    except InvalidReferenceError as error:
        raise SpinError(f"cannot parse reference {reference_text}") from SpinError(f"invalid reference format: {error}")
    app = load_app(manifest_path)
    sources = read_sources(app)
    image = build_image(app, sources, created=utc_now(), annotations=annotations)
    return _upload(image, reference, mirrors, insecure)


def _upload(image: Image, reference: ImageReference, mirrors: Mirrors, insecure: bool) -> str | None:
    # Imported here: an HTTP client costs more time than everything before this line, and most failures end before it.
    from local.oci.errors import NotFoundError, RefusedError, RegistryError, UnauthorizedError, UnreachableError
    from local.oci.registry import RepositoryClient
    from local.spin_cli.auth import find_credentials

    credentials = find_credentials(reference.server)
    try:
        with RepositoryClient(
            reference, mirrors=mirrors, credentials=credentials, push=True, plain_http=insecure
        ) as client:
            # A refusal is not the end yet: the first upload meets it again, and shows what the registry says.
            with suppress(UnauthorizedError, NotFoundError, RefusedError):
                client.authenticate()
            with ThreadPoolExecutor(_PARALLEL_UPLOADS) as pool:
                list(pool.map(lambda layer: client.push_blob(layer.digest, layer.content), image.layers))
            client.push_blob(image.config.digest, image.config.content)
            location = client.put_manifest(reference.version, image.manifest)
    except UnreachableError as error:
        raise SpinError("cannot push Spin application") from SpinError(str(error))
    except RegistryError as error:
        cause = SpinError(f"Server error: url {error.url}, code: {error.status}, message: {error.body}")
        raise SpinError("cannot push Spin application") from cause
    if location is None:
        return sha256_digest(image.manifest)
    last = location.rpartition("/")[2]
    return last if ":" in last else None
