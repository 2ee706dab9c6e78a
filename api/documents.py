"""The documents over HTTP: `/openapi.json` for programs, `/docs/` for people. Served from here alone, to everybody; no method is run."""

import json
from functools import cache
from importlib.resources import files

from flask import Flask, Response, abort, request

from api.openapi import document

# Swagger UI needs no style, script or picture from elsewhere, and nothing inline
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon: the HTTP methods</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<div id="methods"><noscript>This page needs JavaScript; the same is in docs/api.md and /openapi.json.</noscript></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "../openapi.json", dom_id: "#methods", deepLinking: true, docExpansion: "none", filter: true,
  defaultModelsExpandDepth: -1, validatorUrl: null
});
"""
KINDS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon-32x32.png": "image/png"}


@cache
def _pages() -> dict[str, tuple[bytes, str]]:
    """What is served below /docs/: body and kind by name."""
    shipped = files("flask_swagger_ui") / "dist"
    own = {"": (PAGE.encode(), "text/html"), "start.js": (START.encode(), "text/javascript")}
    return {name: ((shipped / name).read_bytes(), kind) for name, kind in KINDS.items()} | own


def add(app: Flask) -> None:
    """Let `app` answer the documents."""
    pages = _pages()

    def docs(name: str = "") -> Response:
        return _answer(*pages[name]) if name in pages else abort(404)

    app.add_url_rule("/docs/", view_func=docs, methods=["GET"])
    app.add_url_rule("/docs/<name>", view_func=docs, methods=["GET"])
    app.add_url_rule("/openapi.json", "openapi", lambda: _answer(json.dumps(document()).encode(), "application/json"), methods=["GET"])


def _answer(body: bytes, kind: str) -> Response:
    response = Response(body, headers=HEADERS, content_type=kind if kind.startswith(("image", "application")) else f"{kind}; charset=utf-8")
    response.add_etag()
    response.make_conditional(request)
    return response
