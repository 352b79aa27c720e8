"""Files behind URLs (s3://, https://, memory:// and what else fsspec knows): digests, patterns, local copies.

fsspec is imported only where a URL is named: it comes with `tieout[cluster]`. Where s3fs is not installed,
s3:// is read by Arrow's own client, which is always there.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconcile.campaigning.model import Job
from reconcile.files.limits import REMOTE_BYTES
from reconcile.text.escape import error_text, printable
from vocabulary.errors import InputError

PLACES = ("scenario", "candidate", "reference", "data", "mapping", "reference_mapping", "tolerance")
"""The fields of a job that may be URLs."""


def is_url(word: str | None) -> bool:
    return word is not None and "://" in word


@contextlib.contextmanager
def fetched(job: Job) -> Iterator[Job]:
    """The job with local copies in place of URLs, for as long as the block runs.

    Raises InputError where a URL cannot be read, or holds more than may be copied.
    """
    named = [name for name in PLACES if is_url(getattr(job, name))]
    if not named:
        yield job
        return
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder:
        copies: dict[str, Any] = {
            name: _copy(getattr(job, name), os.path.join(folder, name)) for name in named
        }
        yield replace(job, **copies)


def _copy(url: str, folder: str) -> str:
    system, path = open_url(url)
    try:
        name = path.rstrip("/").rpartition("/")[2] or "data"
        target = os.path.join(folder, name)
        listed = files_of(system, path)
        size = sum(int(info.get("size") or 0) for info in listed.values())
        if size > REMOTE_BYTES:
            expected = f"at most {REMOTE_BYTES:,}"
            raise InputError(url, f"{size:,} bytes", expected, "Mount it, and name a path.")
        if not listed:
            raise InputError(url, "nothing", "a file or folder", "Check the URL.")
        for remote in listed:
            inner = remote[len(path.rstrip("/")) :].lstrip("/")
            place = os.path.normpath(os.path.join(target, inner)) if inner else target
            if not (place + os.sep).startswith(target + os.sep):
                raise InputError(url, printable(remote, 80), "files below it", "Check the store.")
            os.makedirs(os.path.dirname(place), exist_ok=True)
            system.get_file(remote, place)
    except InputError:
        raise
    except Exception as error:  # every store has errors of its own
        raise _unreadable(url, error) from None
    return target


def matches(pattern: str) -> list[str]:
    """The URLs that a pattern matches."""
    system, path = open_url(pattern)
    try:
        return [system.unstrip_protocol(found) for found in system.glob(path)]
    except Exception as error:
        raise _unreadable(pattern, error) from None


def version_of(url: str) -> str:
    """What changes when the content does: names, sizes, and the store's own tag or time of each file.

    Raises InputError where the store says neither: then nothing could be kept of it.
    """
    system, path = open_url(url)
    try:
        listed = files_of(system, path)
    except Exception as error:
        raise _unreadable(url, error) from None
    if not listed:
        raise InputError(url, "nothing", "a file or folder", "Check the URL.")
    parts = []
    for name, info in sorted(listed.items()):
        tag = next((info[key] for key in TAGS if info.get(key) is not None), None)
        if hasattr(system, "fs"):
            tag = _arrow_tag(url, system.fs, name) or tag
        if tag is None:
            found = "a store that names neither version nor time of a file"
            raise InputError(url, found, "an ETag or a time", "Copy the file, and name its path.")
        parts.append(f"{name} {info.get('size')} {tag}")
    return "\n".join(parts)


TAGS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime", "created")


def files_of(system: Any, path: str) -> dict[str, dict[str, Any]]:
    """The files at or below a path, with what the store knows about each."""
    if system.isdir(path):
        found: dict[str, dict[str, Any]] = system.find(path, detail=True)
        return found
    return {path: system.info(path)} if system.exists(path) else {}


def open_url(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises InputError where fsspec does not know it."""
    try:
        import fsspec
    except ImportError:
        found, remedy = "no fsspec", "pip install 'tieout[cluster]'"
        raise InputError(url, found, "the package that reads URLs", remedy) from None
    try:
        if url.startswith("s3://") and importlib.util.find_spec("s3fs") is None:
            return _arrow_s3(), url.removeprefix("s3://")
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        remedy = "Install the package that it names, or name a path."
        raise InputError(url, error_text(error), "a URL that fsspec knows", remedy) from None
    return system, path


def _arrow_s3() -> Any:
    """S3 by Arrow's client: credentials and region as AWS's tools find them, and AWS_ENDPOINT_URL."""
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None
    return ArrowFSWrapper(S3FileSystem(endpoint_override=endpoint, region=region))


def _arrow_tag(url: str, store: Any, name: str) -> str | None:
    """The ETag of a file, None where the store has none: Arrow lists times alone."""
    try:
        with store.open_input_stream(name) as stream:
            told: bytes | None = (stream.metadata() or {}).get(b"ETag")
    except OSError as error:
        raise _unreadable(url, error) from None
    return None if told is None else told.decode("ascii", "replace")


def _unreadable(url: str, error: Exception) -> InputError:
    return InputError(
        url, error_text(error), "a file that can be read", "Check the URL and the access to it."
    )
