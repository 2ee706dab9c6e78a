"""How every part logs: one line each, UTC with milliseconds, to standard error. Knows no part."""

import logging
import time


class _Lines(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"


def setup(part: str, level: int = logging.INFO) -> None:
    """Send the log of this process, named `part`, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(f"%(asctime)s {part} %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def masked(number: str | None) -> str:
    """A phone number as logs may show it: `+49…89`."""
    return f"{number[:3]}…{number[-2:]}" if number and len(number) > 5 else "…"
