"""The error of a local system."""

from poseway.errors import PosewayError


class StackError(PosewayError):
    """The local system does not start."""

    code = "stack"
