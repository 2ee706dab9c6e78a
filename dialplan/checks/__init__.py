"""The doctor's checks, from the ground up. They look and say; none changes anything. `table.CHECKS` names them all in their order."""
