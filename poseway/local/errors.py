"""The error of a local system."""

from poseway.errors import PosewayError


class StackError(PosewayError):
    """The local system cannot start or does not run."""

    code = "stack"
