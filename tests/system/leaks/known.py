"""Secrets that a test knows, and where they are found."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit


@dataclass
class Known:
    """Secrets by what they are, as the test hears of them.

    Attributes:
        values: The secrets. A test that fails tells what they are called, and no more.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, name: str, value: str) -> str:
        """Takes note of a secret, and returns it."""
        assert len(value) >= 16, f"{name} is too short to be told from other text"
        self.values[name] = value
        return value

    def add_signature(self, name: str, url: str) -> str:
        """Takes note of what a presigned address is signed with, and returns the address."""
        (signature,) = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
        self.add(name, signature)
        return url

    def found_in(self, data: bytes) -> set[str]:
        """Names of the secrets that are in some bytes, as they are, quoted or in base64."""
        return {name for name, value in self.values.items() if _forms(value).search(data)}


def _forms(value: str) -> re.Pattern[bytes]:
    plain = value.encode()
    # Where it stands among other bytes, base64 has it in one of three ways; the ends differ.
    shifted = (base64.b64encode(b"\0" * n + plain)[4:-4] for n in range(3))
    forms = {plain, quote(value, safe="").encode(), *shifted}
    return re.compile(b"|".join(re.escape(form) for form in sorted(forms)))
