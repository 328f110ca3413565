"""What the page at ``/ui`` is told of an installation (`functions.models.page`)."""

from functions.models.page import PageConfig, SignIn
from infra.settings import Settings


def page_config(settings: Settings) -> str:
    """Return the value of the build function's variable PAGE, as JSON; null where the page is not served."""
    if settings.ui is None:
        return "null"
    sign_in = None
    if settings.ui.sign_in is not None and settings.jwt is not None:
        sign_in = SignIn(issuer=settings.jwt.issuer, **settings.ui.sign_in.model_dump())
    return PageConfig(
        access="open" if sign_in is None else "sign_in",
        sign_in=sign_in,
        request_bytes=settings.limits.request_bytes,
        deploys=settings.kubernetes is not None,
    ).model_dump_json()
