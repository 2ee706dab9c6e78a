"""Every operation, by subject. Adding one means adding it to its file's OPERATIONS; all else follows from the declaration."""

from api.operation import Operation
from api.operations import (
    calls,
    campaigns,
    contacts,
    deliveries,
    dispositions,
    extensions,
    groups,
    imports,
    keys,
    members,
    payments,
    progress,
    pushes,
    recordings,
    results,
    sessions,
    system,
    trunks,
    users,
)

SUBJECTS = (
    calls,
    campaigns,
    contacts,
    deliveries,
    dispositions,
    extensions,
    groups,
    imports,
    keys,
    members,
    payments,
    progress,
    pushes,
    recordings,
    results,
    sessions,
    system,
    trunks,
    users,
)
OPERATIONS: tuple[Operation, ...] = tuple(operation for subject in SUBJECTS for operation in subject.OPERATIONS)
BY_NAME = {name: operation for operation in OPERATIONS for name in (operation.name, *operation.aliases)}
