"""Writing to a disk that may be full, read-only or gone, in a folder that is not trusted.

Writes are completed or raise a one-line error. Files are opened relative to the folder's descriptor, links are never
followed, and only regular files are opened, so nothing outside the folder is touched.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from dynviz.errors import DynvizError
from dynviz.recording.syncing import sync_file, sync_folder

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe would block.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def unwritable(path: Path | str, error: OSError) -> DynvizError:
    """The error for a file that cannot be written.

    >>> print(unwritable("loss.npy", OSError(errno.ENOSPC, "No space left on device")))
    cannot write loss.npy: No space left on device; what was recorded before can be read
    """
    kept = "; what was recorded before can be read" if error.errno in _FULL else ""
    return DynvizError(f"cannot write {path}: {error.strerror or error}{kept}")


def unreadable(path: Path | str, error: OSError) -> DynvizError:
    """The error for a file that cannot be read."""
    return DynvizError(f"cannot read {path}: {error.strerror or error}")


def make_folder(folder: Path) -> None:
    """Create a folder, which must not exist yet, and its parents."""
    try:
        make_parents(folder)
        folder.mkdir()
        sync_path(folder.parent)
    except FileExistsError as error:
        if Path(error.filename) == folder:
            raise DynvizError(
                f"{folder} exists already and is never overwritten: choose another folder, or resume it"
            ) from error
        raise DynvizError(f"cannot make {folder}: {error.filename} is not a folder") from error
    except OSError as error:
        raise unwritable(folder, error) from error


def check_writable(folder: Path, *names: str) -> None:
    """Check that files can be created and replaced in a folder and the named subfolders.

    Raises:
        DynvizError: One of them is not writable.
    """
    for place in (folder, *(folder / name for name in names)):
        if not os.access(place, os.W_OK | os.X_OK):
            raise unwritable(place, OSError(errno.EACCES, os.strerror(errno.EACCES)))


def make_parents(path: Path) -> None:
    """Create the missing parents of a path durably."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_path(folder.parent)


def sync_path(folder: Path) -> None:
    """Flush the directory entries of a folder to the disk."""
    fd = os.open(folder, _FOLDER)
    try:
        sync_folder(fd)
    finally:
        os.close(fd)


class Folder:
    """A folder open for writing.

    The folder itself may be reached through a link, since the user gave the path. Links inside it are not followed.

    Attributes:
        path: The path of the folder.
        fd: Its descriptor, which stays valid if the folder is renamed.

    Raises:
        DynvizError: From every method, if the file cannot be opened or is a link, a pipe or a device.
    """

    def __init__(self, path: Path, fd: int | None = None) -> None:
        """Open the folder.

        Args:
            path: The path of the folder.
            fd: A descriptor of the folder, if it is open already.
        """
        self.path = path
        try:
            self.fd = os.open(path, _FOLDER) if fd is None else fd
        except OSError as error:
            raise unwritable(path, error) from error

    def folder(self, name: str, *, make: bool = False) -> "Folder":
        """Open a subfolder.

        Args:
            name: The name of the subfolder.
            make: Whether to create it if it is missing.
        """
        path = self.path / name
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=self.fd)
            return Folder(path, os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.fd))
        except OSError as error:
            raise self._refused(name, error) from error

    def open(self, name: str, flags: int) -> int:
        """Open a regular file in this folder and return its descriptor."""
        try:
            fd = os.open(name, flags | _FILE, 0o666, dir_fd=self.fd)
        except OSError as error:
            raise self._refused(name, error) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise DynvizError(f"cannot write {self.path / name}: it is not a regular file")
        return fd

    def create(self, name: str, data: bytes) -> None:
        """Write a new file, which must not exist yet."""
        fd = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            write_at(fd, data, 0)
        except OSError as error:
            raise unwritable(self.path / name, error) from error
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        """Write a file that replaces `name` if the block succeeds, and is removed if it fails.

        Readers see either the complete old file or the complete new one, even after a power loss.
        """
        new = f"{name}.new"
        with contextlib.suppress(OSError):
            # Left behind by a killed writer.
            os.unlink(new, dir_fd=self.fd)
        fd = self.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                with os.fdopen(fd, "wb") as file:
                    yield file
                    file.flush()
                    # Otherwise the name could reach the disk before the data.
                    sync_file(file.fileno())
                os.replace(new, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
                sync_folder(self.fd)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(new, dir_fd=self.fd)
                raise
        except OSError as error:
            raise unwritable(self.path / name, error) from error

    def _refused(self, name: str, error: OSError) -> DynvizError:
        path = self.path / name
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and path.is_symlink():
            return DynvizError(f"{path} is a link, and links in a recording are not followed; put the file there")
        if error.errno == errno.ENXIO:
            return DynvizError(f"cannot write {path}: it is not a regular file")
        return unwritable(path, error)

    def close(self) -> None:
        """Close the descriptor. Closing twice is harmless."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> "Folder":
        """The folder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
    """Write all bytes at an offset, repeating partial writes."""
    while data:
        written = os.pwrite(fd, data, offset)
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        data = data[written:]
        offset += written


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Like `Folder.replacing`, for a single file, without an open folder."""
    with Folder(path.parent) as folder, folder.replacing(path.name) as file:
        yield file


@contextlib.contextmanager
def locked(folder: Path, name: str, most: int) -> Iterator[tuple[int, bytes]]:
    """A file of a folder that one process writes at a time; made if it is not there.

    Args:
        folder: The folder.
        name: The file's name.
        most: Bytes of it that are read.

    Yields:
        Its descriptor, and what is in it.

    Raises:
        DynvizError: It cannot be opened or written.
    """
    try:
        with Folder(folder) as opened:
            descriptor = opened.open(name, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield descriptor, os.pread(descriptor, most, 0)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise unwritable(folder / name, error) from error
