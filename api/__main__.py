"""The API's process: `python -m api`, for the installation in $CARILLON_HOME."""

import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

import waitress.server

from api import imports
from api.app import LARGEST_BODY, create_app
from api.credentials import hashed
from sql import logs, settings, store, users

THREADS = 8
CONNECTIONS, SILENT_S = 800, 60  # at once, fewer than the files that a process may usually open; one that says nothing is closed
LARGEST_HEADERS = 64 << 10
FORWARDED = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
log = logging.getLogger("api")


def first_administrator(home: Path) -> None:
    """In a store without accounts, make user 1, and write its credentials where only the installation's owner can read them."""
    with store.connection():
        if users.anybody():
            return
        path, password = home / "admin.json", secrets.token_urlsafe(18)
        # the file first: an account that nobody can enter would be worse than a file without account
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"username": "admin", "password": password}, file, indent=2)
        store.unit(users.create, {"username": "admin", "password_hash": hashed(password), "role": "admin"}, None, store.now())
    log.info("the first administrator's credentials are in %s", path)


def main() -> None:
    logs.setup("api")
    try:
        config = settings.read()
        config.flag("api", "query_credentials")
        store.bind(config.store_url)
        store.check()
        first_administrator(config.home)
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"api: {error}")
    address, port, proxy = config.text("api", "bind"), config.port("api"), config.text("api", "trusted_proxy")
    # without it everybody behind a proxy would have one address, and one's wrong guesses would hold up all
    behind = {"trusted_proxy": proxy, "trusted_proxy_count": 1, "trusted_proxy_headers": FORWARDED} if proxy else {}
    try:
        server = waitress.server.create_server(
            create_app(config),
            host=address,
            port=port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=SILENT_S,
            asyncore_use_poll=True,
            ident="carillon",
            clear_untrusted_proxy_headers=True,
            max_request_header_size=LARGEST_HEADERS,
            max_request_body_size=LARGEST_BODY + (1 << 20),
            **behind,
        )
    except OSError as error:
        sys.exit(f"api: {address} port {port} cannot be used ({error.strerror}); end what uses it, or choose another port_base")
    imports.resume_in_background(config)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log.info("serving on http://%s:%d", address, port)
    server.run()


if __name__ == "__main__":
    main()
