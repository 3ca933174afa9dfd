"""Which addresses need API keys."""

import pytest

from poseway.api_keys import AuthMode, keys_needed


@pytest.mark.parametrize(
    ("auth", "host", "needed"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "127.9.9.9", False),
        ("auto", "localhost", False),
        ("auto", "::1", False),
        ("auto", "0.0.0.0", True),
        ("auto", "::", True),
        ("auto", "192.168.1.5", True),
        ("auto", "pose.example", True),
        ("auto", "", True),
        ("keys", "127.0.0.1", True),
        ("off", "0.0.0.0", False),
    ],
)
def test_addresses_for_others_need_keys(auth: AuthMode, host: str, needed: bool) -> None:
    assert keys_needed(auth, host) is needed
