"""GET /ui and the files below it: the page, where the installation serves one (`functions.ui`)."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.api.settings import BuildApiSettings
from functions.models.page import PageConfig
from functions.ui.files import INDEX, find
from functions.ui.headers import CONFIG_PATH, headers_of, headers_of_config

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@router.get(CONFIG_PATH, include_in_schema=False, enable_validation=False)
def config() -> Response[str]:
    """Serve what the page is told of this installation."""
    told = _config()
    return Response(
        HTTPStatus.OK,
        content_types.APPLICATION_JSON,
        told.model_dump_json(),
        headers=dict(headers_of_config(_connects_to(told))),
    )


@router.get("/ui", include_in_schema=False, enable_validation=False)
def index() -> Response[str]:
    """Serve the page."""
    return _file(INDEX)


@router.get("/ui/<name>", include_in_schema=False, enable_validation=False)
def file(name: str) -> Response[str]:
    """Serve a file of the page."""
    return _file(name)


@router.get("/ui/<folder>/<name>", include_in_schema=False, enable_validation=False)
def file_in_folder(folder: str, name: str) -> Response[str]:
    """Serve a file of one of the page's folders."""
    return _file(f"{folder}/{name}")


def _file(name: str) -> Response[str]:
    connects_to = _connects_to(_config())
    found = find(name)
    if found is None:
        raise NotFoundError
    known = found.is_known_by(router.current_event.headers.get("if-none-match"))
    return Response(
        HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK,
        found.media_type,
        "" if known else found.text,
        headers=dict(headers_of(found.etag, connects_to)),
        compress=not known,
    )


def _config() -> PageConfig:
    """Return the page's configuration.

    Raises
    ------
    NotFoundError
        The installation serves no page.
    """
    page = BuildApiSettings.read().page
    if page is None:
        raise NotFoundError
    return page


def _connects_to(page: PageConfig) -> list[str]:
    return [page.sign_in.token_endpoint] if page.sign_in is not None else []
