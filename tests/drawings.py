"""Ten digits as a hand draws them: strokes of points (x, y) in the unit square, y downwards."""

from math import cos, pi, sin

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Stroke:
    """Part of an ellipse around (x, y); angles in turns, clockwise from the right."""
    angles = [2 * pi * (start + n / 12 * (end - start)) for n in range(13)]
    return [(x + across * cos(angle), y + down * sin(angle)) for angle in angles]


DRAWINGS: list[list[Stroke]] = [
    [arc(0.5, 0.5, 0.22, 0.32, -0.2, 0.85)],
    [[(0.53, 0.17), (0.47, 0.84)]],
    [[*arc(0.48, 0.34, 0.2, 0.17, 0.5, 1.1), (0.3, 0.8), (0.74, 0.78)]],
    [[*arc(0.45, 0.33, 0.2, 0.16, 0.55, 1.25), *arc(0.45, 0.66, 0.24, 0.18, 0.75, 1.4)]],
    [[(0.32, 0.18), (0.28, 0.5), (0.7, 0.48)], [(0.68, 0.2), (0.62, 0.84)]],
    [
        [(0.36, 0.2), (0.33, 0.45), *arc(0.44, 0.62, 0.21, 0.19, 0.7, 1.4)],
        [(0.36, 0.2), (0.7, 0.2)],
    ],
    [[(0.6, 0.15), (0.4, 0.42), *arc(0.5, 0.66, 0.18, 0.17, 0.5, -0.5)]],
    [[(0.28, 0.22), (0.7, 0.22), (0.47, 0.84)]],
    [[*arc(0.5, 0.34, 0.16, 0.16, 0.25, 1.25), *arc(0.5, 0.67, 0.19, 0.17, 0.75, -0.25)]],
    [[*arc(0.46, 0.35, 0.17, 0.16, 0, 1), (0.6, 0.84)]],
]
