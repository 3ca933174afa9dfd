"""The commands in the pages, and the scripts that run them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Of other kinds, none is a command. So nothing runs that is in no page, and nothing is left out.
RUN = ("sh", "python")
SHOWN = ("", "text", "json", "toml")


@dataclass(frozen=True)
class Block:
    """A command, or several.

    Attributes:
        page: Name of its page.
        line: Where it begins there.
        kind: Language of the block.
        text: The commands.
    """

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(page.name, text.count("\n", 0, found.start()) + 2, found[1], found[2])
        for found in FENCE.finditer(text)
    ]


def script(block: Block) -> str:
    """The script of a block; it first prints which block it is."""
    said = f"echo '== {block}' >&2\n"
    if block.kind == "python":
        return f"{said}python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK\n"
    return said + block.text
