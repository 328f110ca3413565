"""The page that shows the API's description: Swagger UI, which Powertools carries. It asks no other host."""

import functools
import json
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler.openapi import swagger_ui

from functions.api.description import Authorizer, description

# A blue square with a white bolt.
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='3' fill='%231d4ed8'/%3E%3Cpath d='M9 2 4 9h3l-1 5 6-7H8z' fill='white'/%3E%3C/svg%3E"
)
_SIGNED_ONLY: Final = (
    "\n\n**This installation takes requests with an AWS signature only, which a web page cannot make: nothing can be "
    "tried out on this page.** The command line `blue` signs with your AWS credentials: `blue login --url …`, then "
    "`blue deploy app.py`."
)
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{icon}">
<style>{style}</style>
</head>
<body>
<div id="swagger-ui">Loading…</div>
<script>{script}</script>
<script>
SwaggerUIBundle({{
  ...{options},
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
}});
</script>
</body>
</html>
"""


def _leave_optional_fields_blank(form: dict[str, Any]) -> None:
    """Leave blank what a form may leave out: Swagger UI fills in examples, also made-up ones, and sends them."""
    for name, field in form["properties"].items():
        if name not in form["required"]:
            field["examples"] = [""]
            if field.pop("$ref", None) is not None:
                field["type"] = "string"


@functools.cache
def page(*, deploys: bool, authorizer: Authorizer) -> str:
    """Return the page as HTML; requests can be tried out on it, but not under the authorizer ``iam``."""
    spec = json.loads(description(deploys=deploys, authorizer=authorizer))
    _leave_optional_fields_blank(spec["components"]["schemas"]["BuildForm"])
    options = {
        "dom_id": "#swagger-ui",
        "deepLinking": True,
        "displayRequestDuration": True,
        "filter": True,
        "layout": "BaseLayout",
        "showCommonExtensions": True,
        "withCredentials": True,
        "spec": spec,
    }
    if authorizer == "iam":
        options["supportedSubmitMethods"] = []
        spec["info"]["description"] += _SIGNED_ONLY
        # No scheme, no button to enter one: nobody can type a signature.
        del spec["components"]["securitySchemes"]
        spec["security"] = []
    assets = Path(swagger_ui.__file__).parent
    return _PAGE.format(
        title=f"{spec['info']['title']} API",
        icon=_ICON,
        style=(assets / "swagger-ui.min.css").read_text(encoding="utf-8"),
        script=(assets / "swagger-ui-bundle.min.js").read_text(encoding="utf-8"),
        options=json.dumps(options, ensure_ascii=False).replace("</", "<\\/"),
    )
