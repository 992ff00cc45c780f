"""Running slow functions, such as opening a view: immediately, or in threads while keys are read."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeAlias

from dynviz.process import threads

Take: TypeAlias = Callable[[Future[Any]], None]
Post: TypeAlias = Callable[[Callable[[], None]], object]


class Work(Protocol):
    """Runs a function and passes on its outcome."""

    def __call__(self, group: str, function: Callable[[], Any], take: Take) -> None:
        """Run it.

        Args:
            group: A function supersedes any earlier one of the same group, whose outcome is dropped.
            function: The function to run.
            take: Called with what the function returned or raised.
        """


def at_once(group: str, function: Callable[[], Any], take: Take) -> None:  # noqa: ARG001
    """Run it immediately."""
    take(_outcome(function))


class ThreadedWork:
    """Runs functions in daemon threads: one that never returns does not keep the player from ending."""

    def __init__(self, poster: Callable[[], Post], arrived: Callable[[str], None]) -> None:
        """Take outcomes in the thread that calls this.

        Args:
            poster: Called there; what it returns has a function called there, from any thread.
            arrived: Called after each outcome, with its group.
        """
        self._poster, self._arrived = poster, arrived
        self._tickets: dict[str, object] = {}

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in which an outcome is awaited."""
        return tuple(self._tickets)

    def __call__(self, group: str, function: Callable[[], Any], take: Take) -> None:
        """Run it in a thread of its own."""
        ticket, post = object(), self._poster()
        self._tickets[group] = ticket

        def arrive(outcome: Future[Any]) -> None:
            if self._tickets.get(group) is ticket:
                del self._tickets[group]
                take(outcome)
                self._arrived(group)

        threads.start(lambda: post(partial(arrive, _outcome(function))))

    def drop(self, group: str) -> bool:
        """Drop the outcome of a function that is running; returns whether one is."""
        return self._tickets.pop(group, None) is not None


class Newest:
    """Runs functions of one group, one at a time; of those asked for meanwhile only the newest."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._key: object = None
        self._next: Callable[[], None] | None = None
        self._ticket: object = None

    @property
    def busy(self) -> bool:
        """Whether one is running."""
        return self._ticket is not None

    def ask(self, work: Work, key: object, function: Callable[[], Any], take: Take) -> None:
        """Run a function, unless the last one had the same key."""
        if key == self._key:
            self._next = None
        elif self.busy:
            self._next = partial(self.ask, work, key, function, take)
        else:
            self._run(work, key, function, take)

    def drop(self) -> None:
        """Wait no longer for the one that is running."""
        self._key = self._next = self._ticket = None

    def _run(self, work: Work, key: object, function: Callable[[], Any], take: Take) -> None:
        self._key = key
        ticket = self._ticket = object()

        def taken(outcome: Future[Any]) -> None:
            if self._ticket is not ticket:
                return
            self._ticket, following, self._next = None, self._next, None
            take(outcome)
            if following is not None:
                following()

        work(self._group, function, taken)


def _outcome(function: Callable[[], Any]) -> Future[Any]:
    outcome: Future[Any] = Future()
    try:
        outcome.set_result(function())
    except Exception as error:
        outcome.set_exception(error)
    return outcome
