"""Secrets that a test knows, and a search for them."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit


@dataclass
class Known:
    """Secrets by name, collected while the test runs.

    Attributes:
        values: The secrets. A failing test shows only their names.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)

    def add(self, name: str, value: str) -> str:
        """Records a secret and returns it."""
        assert len(value) >= 16, f"{name} is too short to be told from other text"
        self.values[name] = value
        return value

    def add_signature(self, name: str, url: str) -> str:
        """Records the signature of a presigned URL and returns the URL."""
        (signature,) = parse_qs(urlsplit(url).query)["X-Amz-Signature"]
        self.add(name, signature)
        return url

    def found_in(self, data: bytes) -> set[str]:
        """Names of the secrets in some bytes: verbatim, quoted or in base64."""
        return {name for name, value in self.values.items() if _forms(value).search(data)}


def _forms(value: str) -> re.Pattern[bytes]:
    plain = value.encode()
    # Base64 encodes it in one of three ways, depending on its offset; the ends differ.
    shifted = (base64.b64encode(b"\0" * n + plain)[4:-4] for n in range(3))
    forms = {plain, quote(value, safe="").encode(), *shifted}
    return re.compile(b"|".join(re.escape(form) for form in sorted(forms)))
