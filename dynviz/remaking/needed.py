"""What must be trained for what a picture shows."""

from collections.abc import Iterator, Sequence

from dynviz.animation.recipe import RecordedRun


def needed(recorded: Sequence[RecordedRun]) -> Iterator[RecordedRun]:
    """The recordings that must be trained for some, each once, what forks go on from first."""
    known: set[tuple[str, str]] = set()

    def walk(one: RecordedRun) -> Iterator[RecordedRun]:
        if one.fork is not None:
            yield from walk(one.fork.parent)
        if (one.folder, one.metadata.label) not in known:
            known.add((one.folder, one.metadata.label))
            yield one

    for one in recorded:
        yield from walk(one)
