"""Where Poseway is installed."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout; in a container image, the folder with the page and the model cards."""
