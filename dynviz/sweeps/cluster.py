"""A Dask cluster: how it is reached or started, and what is checked before a sweep begins on it."""

import contextlib
import gc
import logging
import threading
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynviz.errors import DynvizError, in_words
from dynviz.frozen import frozen
from dynviz.recording import disk, files

if TYPE_CHECKING:
    from distributed import Client

CONNECT = 10.0
"""Seconds in which a scheduler has to answer."""
GPU = "GPU"
"""The resource that a worker offers for each GPU: `dask worker ... --resources GPU=1`."""
RENEWAL = 5.0
"""Seconds between checks for ended Slurm jobs."""
MOST = 1024
"""Workers of `local:N`."""
_log = logging.getLogger(__name__)
_FORMS = "tcp://HOST:PORT, local:N and slurm:FILE.toml"


@frozen
class Cluster:
    """A connection to a Dask cluster.

    Attributes:
        address: As it was written.
        client: Dask's.
    """

    address: str
    client: "Client"

    def check(self, *, gpu: bool) -> None:
        """See that the workers that are there can run jobs; there may be none yet.

        Args:
            gpu: Whether jobs need a GPU.

        Raises:
            DynvizError: A worker has other versions than this process, or none offers a GPU.
        """
        from dynviz.sweeps.remote import different, versions

        here = versions()
        there: dict[str, dict[str, str]] = {}
        for name in here:
            # A function of Python's own, which a worker without dynviz can run too.
            for worker, version in self.client.run(metadata.version, name, on_error="return").items():
                there.setdefault(worker, {})[name] = version if isinstance(version, str) else ""
        wrong = {worker: difference for worker, found in there.items() if (difference := different(here, found))}
        if wrong:
            worker, difference = next(iter(wrong.items()))
            more = f", and {len(wrong) - 1} others differ too" if len(wrong) > 1 else ""
            raise DynvizError(
                f"worker {worker} {difference}{more}; a sweep's numbers depend on the versions of "
                f"{', '.join(here)}: install the same ones everywhere"
            )
        workers = self._workers()
        if gpu and workers and not any(worker["resources"].get(GPU) for worker in workers.values()):
            raise DynvizError(
                f"no worker of {self.address} offers a GPU; start them with: dask worker ... --resources {GPU}=1"
            )

    @property
    def memory(self) -> int | None:
        """Bytes that each job may use at most, by the limits of the workers; None if there is no worker yet."""
        limits = [worker["memory_limit"] // worker["nthreads"] for worker in self._workers().values()]
        return min((limit for limit in limits if limit), default=None)

    @property
    def lost(self) -> bool:
        """Whether the scheduler has gone."""
        return bool(self.client.status != "running")

    def _workers(self) -> Mapping[str, Any]:
        workers: Mapping[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return workers


@contextlib.contextmanager
def opened(cluster: Cluster | str, *, gpu: bool = False) -> Iterator[Cluster | None]:
    """A cluster: one that is open already, one that is opened for the block, or none for an empty address.

    Raises:
        DynvizError: It cannot be reached, or its workers cannot run jobs.
    """
    if not isinstance(cluster, str):
        yield cluster
    elif not cluster:
        yield None
    else:
        with _connected(cluster, gpu=gpu) as found:
            found.check(gpu=gpu)
            yield found


@contextlib.contextmanager
def _connected(address: str, *, gpu: bool) -> Iterator[Cluster]:
    form, _, rest = address.partition(":")
    try:
        import distributed
    except ImportError as error:
        raise DynvizError("a cluster needs Dask: pip install 'dynviz[cluster]'") from error
    with contextlib.ExitStack() as stack:
        target: Any = address
        if form == "local":
            # The workers only start the processes that train, and so they need none of their own.
            count = _count(rest)
            options = {"processes": False, "threads_per_worker": count, "resources": {GPU: count} if gpu else {}}
            # Its page would otherwise be sought at one port by all clusters of this machine.
            options["dashboard_address"] = "127.0.0.1:0"
            target = stack.enter_context(distributed.LocalCluster(n_workers=1, **options))
        elif form == "slurm":
            target = stack.enter_context(_slurm(Path(rest)))
        elif not rest.startswith("//"):
            raise DynvizError(f"no cluster {address!r}: write {_FORMS}")
        try:
            client = distributed.Client(target, timeout=CONNECT, set_as_default=False, name="dynviz")
        except (OSError, ValueError, TypeError) as error:
            raise DynvizError(f"no Dask scheduler answers at {address} within {CONNECT:.0f} seconds") from error
        yield Cluster(address, stack.enter_context(client))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise DynvizError(f"local:{text} starts no cluster; write the number of jobs at a time, local:4, up to {MOST}")
    return int(text)


@contextlib.contextmanager
def _slurm(file: Path) -> Iterator[Any]:
    """A cluster whose workers are jobs of Slurm; the file has `jobs`, their number, and the options of SLURMCluster.

    Raises:
        DynvizError: The file cannot be read, dask-jobqueue is not installed, it refuses an option, or Slurm a job.
    """
    try:
        options = tomllib.loads(files.read(file).decode())
    except OSError as error:
        raise disk.unreadable(file, error) from error
    except ValueError as error:
        raise DynvizError(f"cannot read {file}: {error}") from error
    jobs = options.pop("jobs", None)
    if type(jobs) is not int or jobs < 1:
        raise DynvizError(f"{file} needs a line like `jobs = 8`, the number of Slurm jobs to start")
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise DynvizError("--cluster slurm:FILE needs dask-jobqueue: pip install dask-jobqueue") from error
    try:
        started = SLURMCluster(**options)
    except (TypeError, ValueError) as error:
        raise DynvizError(f"{file}: {error}") from error
    _submit(started, jobs, file)
    with started as cluster, _renewed(cluster, jobs):
        yield cluster


def _submit(cluster: Any, jobs: int, file: Path) -> None:
    """Give Slurm its jobs.

    Raises:
        DynvizError: It refuses one.
    """
    with _quiet():
        cluster.scale(jobs=jobs)
        try:
            # Nobody else would hear of a job that Slurm refuses.
            cluster.sync(_submitted, cluster)
        except (RuntimeError, OSError, ValueError) as error:
            with contextlib.suppress(AssertionError):
                # It cancels the jobs that were taken, and then wonders about the refused ones.
                cluster.close()
            why = str(error).partition("stderr:")[2].strip() or error
            raise DynvizError(f"{file}: Slurm takes no job: {why}") from error


@contextlib.contextmanager
def _renewed(cluster: Any, jobs: int) -> Iterator[None]:
    """Replace Slurm jobs whose workers have ended, for example at their time limit."""
    over = threading.Event()

    def renew() -> None:
        failing = False
        while not over.wait(RENEWAL):
            try:
                cluster.scale(jobs=jobs)
                failing = False
            except Exception as error:  # Slurm may be out of reach for a while, and the jobs that are there go on
                if not failing:
                    _log.warning("Slurm jobs that end are not replaced for now: %s", in_words(error))
                failing = True

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _submitted(cluster: Any) -> None:
    await cluster
    for job in cluster.workers.values():
        # One that was refused is tried once more, and says why.
        await job


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the tracebacks that are logged of what is reported in one line."""
    loggers = [logging.getLogger(name) for name in ("asyncio", "tornado.application")]

    def drop(_: logging.LogRecord) -> bool:
        return False

    for logger in loggers:
        logger.addFilter(drop)
    try:
        yield
    finally:
        # asyncio logs unretrieved exceptions when a task is collected.
        gc.collect()
        for logger in loggers:
            logger.removeFilter(drop)
