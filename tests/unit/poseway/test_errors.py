"""`FAILURES` lists exactly the codes with which a job can fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

from poseway import errors
from poseway.errors import FAILURES
from poseway.paths import ROOT

# Errors that end a job, raised by the dispatcher or by a service.
KINDS = {
    "VideoError",
    "DecoderError",
    "InvalidRequestError",
    "NotFoundError",
    "IncompatibleError",
    "JobError",
}
PLACES = (
    *(ROOT / "poseway").glob("*.py"),
    *(ROOT / "poseway" / "isolation").glob("*.py"),
    *(ROOT / "poseway" / "media").glob("*.py"),
    *(ROOT / "services" / "gateway" / "poseway_gateway" / "dispatcher").rglob("*.py"),
    *(ROOT / "services" / "inference").rglob("*.py"),
    *(ROOT / "services" / "renderer").rglob("*.py"),
    *(ROOT / "services" / "tracker").rglob("*.py"),
)
# Raised by programs that read a result.
ELSEWHERE = {"file_unreadable", "file_unwritable"}


def codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).split(".")[-1] not in KINDS:
            continue
        # Named by a constant or written out.
        given = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "code")]
        for code in given:
            if isinstance(code, ast.Constant):
                yield str(code.value)
            elif isinstance(code, ast.Name):
                yield getattr(errors, code.id)


def test_exactly_the_codes_raised_are_listed() -> None:
    raised = {code for path in PLACES for code in codes(path)} - ELSEWHERE
    unnamed = {getattr(errors, kind).code for kind in KINDS - {"JobError"}}
    assert raised | unnamed == set(FAILURES)
