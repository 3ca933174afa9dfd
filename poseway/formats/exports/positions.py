"""Positions of a person's keypoints, as the export formats need them."""

from typing import Any

Place = tuple[float, float] | None
"""x and y in pixels; None for a keypoint without a position."""


def positions(person: dict[str, Any]) -> list[Place]:
    """Returns the best positions: smoothed and filled in a smoothed file, else raw.

    Args:
        person: A person of a frame, as parsed by `poseway.formats.keypoints.read`.

    Returns:
        The position of each keypoint; None if it was neither seen nor filled, or was dropped.
    """
    numbers, filled = person.get("smoothed", person["keypoints"]), person.get("filled", ())
    x, y, scores = numbers[::3], numbers[1::3], numbers[2::3]
    return [
        place if score or place != (0, 0) or index in filled else None
        for index, (place, score) in enumerate(zip(zip(x, y, strict=True), scores, strict=True))
    ]


def seen(person: dict[str, Any]) -> list[float]:
    """Returns the best positions of the keypoints that were seen in the frame itself.

    Args:
        person: A person, as for `positions`.

    Returns:
        x, y, score of each keypoint; 0, 0, 0 if it was filled, dropped or not seen.
    """
    numbers = list(person.get("smoothed", person["keypoints"]))
    for index in person.get("filled", ()):
        numbers[3 * index : 3 * index + 3] = [0.0, 0.0, 0.0]
    return numbers
