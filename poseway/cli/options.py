"""Derives command-line options: job options from `JobOptions`, files from `FORMATS`.

Each option is declared once, there. The gateway checks the values.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from pydantic.fields import FieldInfo

from poseway.formats.exports import FORMATS, Format
from poseway.jobs import JobOptions, OptionGroup

_FIELD_NAME = re.compile("|".join(name for name in JobOptions.model_fields if "_" in name))


def job_options(**given: object) -> dict[str, object]:
    """Returns the options of a job by their names in the API, without those left unset."""
    return {name: value for name, value in given.items() if value is not None}


def more_files(**wanted: bool) -> list[str]:
    """Returns the names of the export formats to fetch besides the files of the result."""
    return [name for name, chosen in wanted.items() if chosen]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _of_field(name: str, field: FieldInfo) -> inspect.Parameter:
    # Typer would add --no-accurate, although that is the default.
    flags = [_flag(name)] if field.default is False else []
    text = _FIELD_NAME.sub(lambda found: _flag(found[0]), field.description or "")
    group = next(item for item in field.metadata if isinstance(item, OptionGroup))
    option = typer.Option(*flags, help=text, rich_help_panel=group.value)
    return _parameter(name, field.annotation, option, field.default)


def _of_format(made: Format) -> inspect.Parameter:
    title = made.title[0].lower() + made.title[1:]
    text = f"Also fetch {made.file}: {title}, {made.contents}."
    option = typer.Option(_flag(made.name), help=text, rich_help_panel="Export formats")
    return _parameter(made.name, bool, option, default=False)


def _parameter(name: str, kind: Any, option: Any, default: object) -> inspect.Parameter:  # noqa: ANN401
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, option],
    )


def _declare(function: Callable[..., object], parameters: Iterable[inspect.Parameter]) -> None:
    """Gives a function with ``**keywords`` the signature from which Typer makes options."""
    signature = inspect.Signature(list(parameters))
    function.__signature__ = signature  # type: ignore[attr-defined] # PEP 362


_declare(job_options, (_of_field(*item) for item in JobOptions.model_fields.items()))
_declare(more_files, map(_of_format, FORMATS))
