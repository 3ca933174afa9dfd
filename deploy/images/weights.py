"""Verifies the weights that go into an image. Runs during the build, in the folder of the code.

The default model's weights must exist. Models without weights are not offered.
"""

import sys

sys.path.insert(0, ".")

from poseway.errors import PosewayError
from poseway.model_cards import load_cards, read_weights


def main() -> None:
    """Exits with a message if a file is missing or its hash differs from that in the model card."""
    try:
        for card in load_cards():
            if card.default or card.is_fetched():
                read_weights(card)
    except PosewayError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
