"""The table of turns. As in `models`, its docstring says what a row means."""

from peewee import BigIntegerField

from sql.row import Row, word


class Turn(Row):
    """How often calls were claimed under one cap: `owner` is `campaign:7` or `trunk:3`."""

    owner = word(40, null=False, unique=True)
    turn = BigIntegerField()
