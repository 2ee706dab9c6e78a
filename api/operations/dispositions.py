"""The words with which agents close a conversation, and what they are called in another system."""

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from api.operation import DIALLING, Caller, Input, Operation
from api.operations.campaign_fields import Description, text
from sql import dispositions, store

Remote = Annotated[str, BeforeValidator(text), StringConstraints(max_length=255)]


class NewDisposition(Input):
    name: Annotated[str, BeforeValidator(text), StringConstraints(min_length=1, max_length=80)]
    description: Description | None = None
    remote_disp_id: Remote | None = None
    remote_module: Remote | None = None


class DispositionCreate(Input):
    disposition: NewDisposition


def create(caller: Caller, given: DispositionCreate) -> int:
    """Make a word for agents. Answers its id."""
    return store.unit(dispositions.create, caller.user_id, given.disposition.given(), store.now())


OPERATIONS = (Operation("Disposition_Create", DispositionCreate, create, DIALLING, changes=True),)
