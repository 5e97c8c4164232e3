"""How large the type of the explorer's window is, and where its parts are, for each of its sizes.

Lengths are in inches, of which a larger window has no more, but larger ones: type, lines and dots,
which matplotlib measures in inches too, grow with it.
"""

FIGURE_SIZE, DPI = (14.0, 8.0), 100  # 1400 x 800 pixels; all parts have room
# A smaller window has fewer inches instead of smaller ones, so that the smallest type, 10 points,
# keeps 10 pixels. Only a window without room for SMALLEST has smaller type.
READABLE_DPI = 72
SMALLEST = (11.0, 6.3)
TINY_DPI = 10  # FreeType refuses type of less than a pixel
# Margins: left of the map, between it and the column of pictures, right of that; above and below.
LEFT, GAP, RIGHT, TOP, BOTTOM = 0.84, 0.49, 0.21, 0.64, 0.6
NUMBERS = 0.8  # what is between the digit that goes in and the one that comes out
# Lines of text between the pictures of the column: below the two digits, below the real digits.
BELOW_DIGITS, BELOW_STRIP = 0.68, 0.88
STRIP, HEAT = 0.13, 0.34  # heights as shares of the width of the column
BESIDE_HEAT = 0.55  # the colour bar and its numbers
STATISTICS = (1.4, 1.14)
HEAT_OF_HISTOGRAM = 1.9  # only beside one of this height there is room for a histogram too

Box = tuple[float, float, float, float]  # left, bottom, width and height as fractions of the figure


def fitting_dpi(width: float, height: float) -> float:
    """How many pixels an inch has in a window of so many pixels."""
    full, smallest = (min(width / w, height / h) for w, h in (FIGURE_SIZE, SMALLEST))
    return max(full, min(READABLE_DPI, smallest), TINY_DPI)


def arrange(width: float, height: float) -> dict[str, Box]:
    """Place the parts of a window.

    The column of pictures is as wide as the height allows, up to half of the room; the map has the
    rest.

    Parameters
    ----------
    width, height : float
        Of the window, in inches.

    Returns
    -------
    dict of str to Box
        By the names of the parts; a part without room is missing.
    """
    width, height = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    lines = TOP + BELOW_DIGITS + BELOW_STRIP + BOTTOM
    # All heights together: lines + (side - NUMBERS) / 2 + STRIP * side + HEAT * side
    fitting = (height - lines + NUMBERS / 2) / (0.5 + STRIP + HEAT)
    room = width - LEFT - GAP - RIGHT
    side = min(room / 2, fitting)
    digit, strip, heat = (side - NUMBERS) / 2, STRIP * side, HEAT * side
    spare = (height - lines - digit - strip - heat) / 2

    map_width, map_top = room - side, height - TOP
    left = LEFT + map_width + GAP
    edge = left - GAP / 2
    digit_bottom = map_top - digit
    strip_bottom = digit_bottom - BELOW_DIGITS - spare - strip
    beside = left + heat + BESIDE_HEAT
    boxes = {
        "map": (LEFT, BOTTOM, map_width, map_top - BOTTOM),
        "legend": (LEFT, map_top + 0.08, map_width, 0.48),
        "map side": (0.0, 0.0, edge, map_top + 0.08),
        "right side": (edge, 0.0, width - edge, height),
        "name": (left, height - 0.4, side, 0.24),
        "digit in": (left, digit_bottom, digit, digit),
        "numbers": (left + digit + 0.04, digit_bottom, NUMBERS - 0.08, digit),
        "digit": (left + digit + NUMBERS, digit_bottom, digit, digit),
        "pair": (left, digit_bottom - 0.42, side, 0.34),
        "strip": (left, strip_bottom, side, strip),
        "message": (left, strip_bottom - 0.5, side, 0.24),
        "heat": (left, BOTTOM, heat, heat),
        "colour bar": (left + heat + 0.08, BOTTOM, 0.13, heat),
        "hint": (left, 0.16, side, 0.17),
    }
    if heat >= HEAT_OF_HISTOGRAM:
        beside += 0.58  # for the numbers beside the histogram
        boxes["histogram"] = (beside, BOTTOM, left + side - beside, 0.8)
        boxes["statistics"] = (beside, BOTTOM + 1.15, *STATISTICS)
    else:
        boxes["statistics"] = (beside + 0.3, BOTTOM, *STATISTICS)
    return {
        name: (x / width, y / height, w / width, h / height) for name, (x, y, w, h) in boxes.items()
    }
