"""`python -m sql.migrate`: bring the store of the installation in $CARILLON_HOME to this version."""

import sys

from sql import logs, settings, store


def main() -> None:
    logs.setup("migrate")
    try:
        applied = store.migrate(settings.read().store_url)
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"migrate: {error}")
    print("\n".join(applied) or "the store is up to date")


if __name__ == "__main__":
    main()
