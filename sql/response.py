"""What a called person's key presses came to: the `response` of a call, concluded from its columns in this one place. Pure."""

import json

OUTCOMES = {  # how Dial ended in the dialplan: our word
    "ANSWER": "connected",
    "BUSY": "busy",
    "NOANSWER": "no-answer",
    "CANCEL": "abandoned",  # the person hung up while it rang
    "CHANUNAVAIL": "unavailable",  # no telephone is registered
    "DECLINED": "declined",
}
FAILED = "failed"


def response(
    wanted: str | None, pressed: str | None, extension_id: int | None, outcome: str | None, begun_at: int | None, ended_at: int | None
) -> str | None:
    """JSON: `key` (the campaign's if it was pressed, else the last one), `keys` (all), and of the extension its id, the outcome, and
    the whole seconds of the conversation. None for a call in which no key was pressed.
    """
    if not pressed:
        return None
    said: dict[str, object] = {"key": pressed[-1], "keys": pressed, "extension_id": None, "outcome": None, "seconds": 0}
    if wanted and wanted in pressed:
        talked = (ended_at or 0) - begun_at if begun_at is not None else 0
        word = outcome or "unknown"  # nobody saw how it ended
        said |= {"key": wanted, "extension_id": extension_id, "outcome": word, "seconds": max(0, -(-talked // 1000))}
    return json.dumps(said)
