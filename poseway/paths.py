"""Where Poseway itself is."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout, or in an image the folder with the page and the models."""
