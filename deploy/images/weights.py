"""Checks the weights that go into an image; runs while it is built, in the folder of the code.

Those of the default model must be there; those of others may be missing, and then are not offered.
"""

import sys

sys.path.insert(0, ".")

from poseway.errors import PosewayError
from poseway.model_cards import load_cards, read_weights


def main() -> None:
    """Ends with a message if a file is missing or has another hash than its card says."""
    try:
        for card in load_cards():
            if card.default or card.is_fetched():
                read_weights(card)
    except PosewayError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
