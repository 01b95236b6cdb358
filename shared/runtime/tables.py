"""Rows of a CSV file (UTF-8, with or without a mark, or GB18030) or an XLSX sheet, read as a stream."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

_PIECE = 1 << 20


class Unreadable(ValueError):
    """The file is no table: which, and why."""


class Row(NamedTuple):
    """One line below the heading; ``number`` as a spreadsheet counts, the heading being 1. Cells are texts, "" when empty."""

    number: int
    cells: dict[str, str]


def rows_of(path: Path) -> Iterator[Row]:
    """Every row that is not empty. Raises Unreadable."""
    lines = _sheet(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    heading = [name.strip() for name in next(lines, [])]
    if not any(heading):
        raise Unreadable(f"{path.name} has no heading")
    if len(set(filter(None, heading))) < len(list(filter(None, heading))):
        raise Unreadable(f"{path.name} names a column twice")
    for number, line in enumerate(lines, 2):
        cells = {name: cell.strip() for name, cell in zip(heading, line, strict=False) if name}
        if any(cells.values()):
            yield Row(number, cells)


def row_count(path: Path) -> int | None:
    """About how many rows there are, for a progress bar; None where that would mean reading the file."""
    if path.suffix.lower() == ".xlsx":
        return None
    with path.open("rb") as file:
        return max(0, sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b"")) - 1)


def _csv(path: Path) -> Iterator[list[str]]:
    with path.open(encoding=_encoding(path), newline="") as file:
        try:
            yield from csv.reader(file, strict=True)
        except csv.Error as error:
            raise Unreadable(f"{path.name} is not a CSV file: {error}") from error


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is, else GB18030. Raises Unreadable when it is neither."""
    for name in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with path.open("rb") as file:
                for piece in iter(lambda: file.read(_PIECE), b""):
                    decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Unreadable(f"{path.name} is neither UTF-8 nor GB18030")


def _sheet(path: Path) -> Iterator[list[str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as error:
        raise Unreadable(f"{path.name} is no XLSX workbook: {error}") from error
    try:
        for line in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(cell) for cell in line]
    finally:
        book.close()


def _text(cell: Any) -> str:
    """As a person would write it: a whole number without a point, a date as YYYY-MM-DD."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
