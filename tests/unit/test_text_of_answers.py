"""The text of answers, as a person reads it who called with curl."""

import json

from functions.api.http import answer, create_resolver
from tests.support.aws_account import Account
from tests.support.build_api import call
from tests.support.events import http_event


def test_a_refused_name_is_quoted_as_it_was_written(account: Account) -> None:
    upload = {"workspace_id": "team", "file_name": "app.py", "size": 1, "sha256": "0" * 64, "app_name": "한글앱"}
    body = json.dumps(upload).encode()
    refused = call(http_event("POST", "/api/v1/uploads", headers={"content-type": "application/json"}, body=body))
    assert refused["statusCode"] == 422
    assert "it has 한, 글, 앱; 'hangeulaep' could be used" in refused["body"]


def test_what_is_no_text_is_answered_all_the_same() -> None:
    """JSON can name half a surrogate pair, and UTF-8 cannot carry it."""
    app = create_resolver()
    app.get("/quoted")(lambda: answer(422, "no app has the name \ud83d 한"))  # type: ignore[arg-type]
    body = app.resolve(http_event("GET", "/quoted"), None)["body"]  # type: ignore[arg-type]
    assert json.loads(body.encode()) == {"detail": "no app has the name \ud83d 한"}
