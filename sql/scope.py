"""Who may see what: an account sees its own and what belongs to the accounts below it. A scope is the path of the account, such as
`/1/5/`; the empty one sees everything. It is part of every query, never a check after it.
"""

from typing import Any

from sql.models_accounts import User

EVERYTHING = ""


def within(owner: Any, scope: str) -> Any:
    """The condition that the column `owner` holds an account within `scope`."""
    # true for every row, null owners included
    return owner.in_(User.select(User.id).where(below(scope))) if scope else owner.is_null() | owner.is_null(False)


def below(scope: str) -> Any:
    """The condition that a row of User lies within `scope`: a range, so that the index on `path` serves it."""
    return (User.path >= scope) & (User.path < scope[:-1] + "0") if scope else User.path >= ""  # "0" is the character after "/"


def bounds(scope: str) -> tuple[str, str]:
    """The same for a statement written by hand: `path >= ? AND path < ?`."""
    return scope, scope[:-1] + "0"  # every path begins with a slash, so the empty scope's are all below "0"
