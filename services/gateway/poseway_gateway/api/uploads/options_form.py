"""Job options from the text fields of a form."""

from pydantic import ValidationError

from poseway.errors import InvalidRequestError
from poseway.jobs import JobOptions


def parse_options(fields: dict[str, str]) -> JobOptions:
    """Parses the options of a job; an empty field counts as absent.

    Raises:
        InvalidRequestError: An option is unknown or has an invalid value; the message names it.
    """
    unknown = sorted(set(fields) - set(JobOptions.model_fields))
    if unknown:
        known = ", ".join(JobOptions.model_fields)
        raise InvalidRequestError(
            f"There is no option {unknown[0]!r}. The options are {known}.", "invalid_options"
        )
    try:
        return JobOptions.model_validate({k: v for k, v in fields.items() if v != ""})
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'options'}: {item['msg']}"
            for item in error.errors()
        )
        message = f"The options are not valid. {reasons}."
        raise InvalidRequestError(message, "invalid_options") from None
