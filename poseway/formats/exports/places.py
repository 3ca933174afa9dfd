"""A person of a frame, as every format needs them: where each keypoint is."""

from typing import Any

Place = tuple[float, float] | None
"""x and y in pixels; None if there is no place."""


def places(person: dict[str, Any]) -> list[Place]:
    """The best places there are: smoothed and filled if the file is smoothed, else raw.

    Args:
        person: One of the people of a frame, as `poseway.formats.keypoints.read` gives them.

    Returns:
        A place for each keypoint; None if it was neither seen nor filled, or was dropped.
    """
    numbers, filled = person.get("smoothed", person["keypoints"]), person.get("filled", ())
    x, y, scores = numbers[::3], numbers[1::3], numbers[2::3]
    return [
        place if score or place != (0, 0) or index in filled else None
        for index, (place, score) in enumerate(zip(zip(x, y, strict=True), scores, strict=True))
    ]


def seen(person: dict[str, Any]) -> list[float]:
    """The best places of the keypoints that were seen in the frame itself.

    Args:
        person: As `places` takes it.

    Returns:
        x, y, score of each keypoint; 0, 0, 0 if it was filled, dropped or not seen.
    """
    numbers = list(person.get("smoothed", person["keypoints"]))
    for index in person.get("filled", ()):
        numbers[3 * index : 3 * index + 3] = [0.0, 0.0, 0.0]
    return numbers
