"""Every operation, by subject. Adding one means adding it to its file's OPERATIONS; all else follows from the declaration."""

from api.operation import Operation
from api.operations import campaigns, contacts, payments, pushes, recordings, results, trunks, users

OPERATIONS: tuple[Operation, ...] = (
    *users.OPERATIONS, *payments.OPERATIONS, *campaigns.OPERATIONS, *results.OPERATIONS, *contacts.OPERATIONS,
    *recordings.OPERATIONS, *trunks.OPERATIONS, *pushes.OPERATIONS,
)  # fmt: skip
BY_NAME = {name: operation for operation in OPERATIONS for name in (operation.name, *operation.aliases)}
