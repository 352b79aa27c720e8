"""Bytes of a file: unpacked from gzip or zip, within what such a file may hold, and decoded to UTF-8."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconcile.files.limits import PACKED_TEXT_RATIO, UNPACKED_BYTES, no_file
from reconcile.files.places import shown
from vocabulary.errors import InputError

_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_OTHERS = {
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\xd0\xcf\x11\xe0": "a workbook of Excel 97",
    b"%PDF": "a PDF document",
}
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Member:
    """A file, or one within an archive. data: None where the file on disk is what is to be read.

    name: the file's name without the endings of packing. origin: for errors.
    """

    name: str
    origin: str
    path: Path
    data: bytes | None

    def head(self, length: int = 65536) -> bytes:
        if self.data is not None:
            return self.data[:length]
        with self.path.open("rb") as file:
            return file.read(length)

    def content(self) -> bytes:
        return self.path.read_bytes() if self.data is None else self.data


def members(path: Path) -> list[Member]:
    """The file itself, or what a gzip or zip file holds. Raises InputError, also for a pipe; OSError."""
    reason = no_file(path)
    if reason not in (None, "nothing"):
        raise InputError(str(path), str(reason), "a file with a table", "Check the path.")
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise InputError(str(path), "an empty file", "a table with a header", "Write the file again.")
    if head.startswith(_GZIP):
        return [Member(path.name.removesuffix(".gz"), str(path), path, _gunzip(path))]
    if head.startswith(_EMPTY_ZIP):
        raise InputError(str(path), "an empty zip archive", "a table", "Write the file again.")
    if head.startswith(_ZIP) and path.suffix.lower() not in (".xlsx", ".xlsm"):
        return _unzip(path)
    return [Member(path.name, str(path), path, None)]


def refuse_strangers(member: Member) -> None:
    """Raises InputError for data of a kind that is known and not read."""
    head = member.head(16)
    for signature, kind in _OTHERS.items():
        if head.startswith(signature):
            raise InputError(
                member.origin, kind, "a table in a format that is read", "Unpack it, or convert it to CSV."
            )


def _limit(path: Path) -> int:
    return UNPACKED_BYTES + PACKED_TEXT_RATIO * path.stat().st_size


def _gunzip(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as file:
            return _bounded(file, _limit(path), str(path))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            str(path),
            f"gzip data that cannot be read ({shown(str(error))[1:-1]})",
            "a whole gzip file",
            "Write or download the file again.",
        ) from None


def _unzip(path: Path) -> list[Member]:
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            left = _limit(path)
            for entry in archive.infolist():
                if entry.is_dir() or entry.filename.startswith("__MACOSX/"):
                    continue
                origin = f"{path}, {entry.filename}"
                with archive.open(entry) as file:
                    data = _bounded(file, left, origin)
                left -= len(data)
                found.append(Member(Path(entry.filename).name, origin, path, data))
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise InputError(
            str(path),
            f"a zip archive that cannot be read ({shown(str(error))[1:-1]})",
            "a whole zip archive without a password",
            "Unpack it, or write it again.",
        ) from None
    return found


def _bounded(file: _Reader, limit: int, origin: str) -> bytes:
    """All that a packed file holds, unless it is more than a file of its size may hold."""
    out = io.BytesIO()
    while block := file.read(1 << 20):
        out.write(block)
        if out.tell() > limit:
            raise InputError(
                origin,
                f"more than {limit} bytes in a small packed file",
                "a table",
                "Unpack the file yourself, if it comes from where you expect.",
            )
    return out.getvalue()


def text_of(member: Member, encoding: str | None) -> str:
    """The text of a file. encoding: None for UTF-8, or what a byte order mark says. Raises InputError."""
    content = member.content()
    mark = next((name for bytes_, name in _MARKS.items() if content.startswith(bytes_)), None)
    if encoding == "utf-16" and mark is None:
        mark = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    chosen = mark or {"windows-1252": "cp1252"}.get(encoding or "", encoding or "utf-8")
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        raise InputError(
            member.origin,
            f"text that is not {chosen.upper()} (byte {error.start + 1})",
            f"text in {chosen.upper()}",
            "Save the file as UTF-8, or name its `encoding` under `layout` in a mapping.",
        ) from None
    if "\0" in text:
        raise InputError(member.origin, "binary data", "text", "Convert the file, or name its `encoding`.")
    return text
