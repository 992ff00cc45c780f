"""A player in a test, through Textual's pilot: the clock is the test's, and no timer runs."""

import asyncio
import functools
import inspect
import os
from contextlib import asynccontextmanager

os.environ.setdefault("TEXTUAL_FPS", "120")

from dynviz.player.app import Player
from dynviz.player.run_screen import RunScreen

SIZE = (100, 30)


class Watched:
    """A player in a test: what is on its screen, and its clock."""

    def __init__(self, app, pilot, clock):
        self.app, self.pilot, self.clock = app, pilot, clock

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.settle()

    async def wait(self, seconds):
        self.clock[0] += seconds
        if isinstance(self.app.screen, RunScreen):
            self.app.screen.beat()
        await self.settle()

    async def settle(self):
        """Wait until what is being opened and drawn is shown."""
        await self.pilot.pause()
        while self.busy:
            await asyncio.sleep(0.001)
            await self.pilot.pause()

    @property
    def busy(self):
        screens = [self.app, *self.app.screen_stack]
        groups = {group for screen in screens if hasattr(screen, "work") for group in screen.work.groups}
        # Views that were left while they were opened may go on being opened.
        shown = {f"view {screen.state.view}" for screen in screens if hasattr(screen, "state")}
        return any(not group.startswith("view ") or group in shown for group in groups)

    @property
    def lines(self):
        rows = self.app.screen._compositor.render_strips(self.app.size)
        return ["".join(segment.text for segment in strip) for strip in rows]

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)

    @property
    def step(self):
        return self.state.step

    @property
    def state(self):
        return self.app.run_screen.state

    @property
    def screen(self):
        return self.app.run_screen


@asynccontextmanager
async def watching(*sources, size=SIZE, settle=True, **options):
    clock = [0.0]
    app = Player([str(each) for each in sources], clock=lambda: clock[0], timed=False, **options)
    async with app.run_test(size=size) as pilot:
        watched = Watched(app, pilot, clock)
        await (watched.settle() if settle else pilot.pause())
        yield watched


def asynchronous(test):
    """Run a test that waits; the name and the fixtures stay."""

    @functools.wraps(test)
    def run(**fixtures):
        return asyncio.run(test(**fixtures))

    run.__signature__ = inspect.signature(test)
    return run
