"""What the explorer's window does by timers: what moves by itself, and what waits for a moment."""

import time
from collections.abc import Callable

from autoencoder.view.event_loop import EventLoop
from autoencoder.view.latent_map import SECONDS_A_GLIDE, SECONDS_A_LEG, LatentMap, Point
from autoencoder.view.map_panel import MapPanel

import numpy as np

FRAME_MS = 25


class Tour:
    """A tour through the points where the digits are densest, from where it began, for ever.

    Parameters
    ----------
    loop : EventLoop
    go_to : callable
        Moves the point.

    Attributes
    ----------
    stops : list of Point
        Where it began and the densest points; empty while there is no tour.
    """

    def __init__(self, loop: EventLoop, go_to: Callable[[Point], None]) -> None:
        self.go_to = go_to
        self.timer = loop.timer(FRAME_MS, self.on_frame)
        self.stops: list[Point] = []

    def begin(self, latent_map: LatentMap, point: Point) -> None:
        self.stops = [point, *densest_points(latent_map)]
        self.began = time.perf_counter()
        self.timer.start()

    def stop(self) -> None:
        self.stops = []
        self.timer.stop()

    def change_map(self, latent_map: LatentMap) -> None:
        """Go on with the tour, if there is one, as far along on the way over another map."""
        if self.stops:
            self.stops[1:] = densest_points(latent_map)

    def on_frame(self) -> None:
        """Move to where the tour is by now."""
        legs = (time.perf_counter() - self.began) / SECONDS_A_LEG
        start, *stops = self.stops
        self.go_to(start + legs * (stops[0] - start) if legs < 1 else point_on_way(stops, legs - 1))


def densest_points(latent_map: LatentMap) -> list[Point]:
    """Where each digit that is on the map is densest, in their order."""
    densest = [latent_map.densest_point(digit) for digit in range(10)]
    return [point for point in densest if point is not None]


def point_on_way(stops: list[Point], legs: float) -> Point:
    """Where one is after so many legs of a way from stop to stop, round and round."""
    leg, progress = divmod(legs, 1)
    here, there = (stops[(int(leg) + n) % len(stops)] for n in (0, 1))
    return here + progress * (there - here)


class Glide:
    """The dots on their way from one map of the digits to another.

    Parameters
    ----------
    loop : EventLoop
    panel : MapPanel
    draw_frame : callable
        Draws the panel while the dots move.
    draw_end : callable
        Draws the whole figure when they have arrived.

    Attributes
    ----------
    goes_on : bool
        Whether the dots are on their way.
    """

    def __init__(
        self,
        loop: EventLoop,
        panel: MapPanel,
        draw_frame: Callable[[], None],
        draw_end: Callable[[], None],
    ) -> None:
        self.panel = panel
        self.draw_frame, self.draw_end = draw_frame, draw_end
        self.timer = loop.timer(FRAME_MS, self.on_frame)
        self.goes_on = False

    def begin(self) -> None:
        """Begin where the dots are, to end where the panel's map has them."""
        self.start = self.panel.places, self.panel.view_limits
        self.end = self.panel.latent_map.latents, self.panel.destination
        self.began = time.perf_counter()
        self.goes_on = True
        self.on_frame()
        self.timer.start()

    def on_frame(self) -> None:
        """Place the dots where they are by now: they set off and arrive slowly."""
        progress = (time.perf_counter() - self.began) / SECONDS_A_GLIDE
        if progress >= 1:
            self.goes_on = False
            self.timer.stop()
            self.panel.arrive()
            self.draw_end()
            return
        eased = np.float32(progress**2 * (3 - 2 * progress))
        self.panel.place(*(a + eased * (b - a) for a, b in zip(self.start, self.end, strict=True)))
        self.draw_frame()


class Postponed:
    """An action that waits until the events at hand are dealt with: many requests, one action.

    Parameters
    ----------
    loop : EventLoop
        Where it does not run, nothing waits.
    act : callable
    """

    def __init__(self, loop: EventLoop, act: Callable[[], None]) -> None:
        self.loop, self.act = loop, act
        self.waits = False
        self.timer = loop.timer(1, self.on_timer)
        self.timer.single_shot = True

    def request(self) -> None:
        if not self.loop.runs:
            self.act()
        elif not self.waits:
            self.waits = True
            self.timer.start()

    def on_timer(self) -> None:
        self.waits = False
        self.act()
