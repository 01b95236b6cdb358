"""The texts of the papers, from files an operator can edit: one file a kind, ours unless the operator's folder has it.

A file is XML of ``layout`` with Jinja2 in it, sandboxed. It is well-formed also before it is filled in, so that what is
wrong has a line. What a template may name is what ``samples`` has.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.settlement.papers.glyphs import is_shown, shown
from services.settlement.papers.kinds import KINDS
from services.settlement.papers.layout import Element, LayoutWrong, Seal, pdf_of, read
from services.settlement.papers.samples import SAMPLES
from shared.kernel.money import in_words, yuan

PACKAGED = Path(__file__).parent / "templates"
_TAGS = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_SIZE_LIMIT = 256 * 1024
_SEAL = Seal("AAAA-AAAA-AAAA-AAAA-AAAA", "AAAA-AAAA-AAAA-AAAA-AAAA")
_WORDS = {
    "tongyong": "通用模式", "tongdui": "通兑模式", "enterprise": "企业", "provider": "服务机构", "breach": "违反规定",
    "no_fault": "无过错", "contract": "合同", "receipt": "到款凭证", "invoice": "发票", "result": "成果", "commitment": "承诺书",
    "other": "其他", "redemption": "兑付", "adjustment": "金额调整",
}  # fmt: skip


class TemplateBroken(ValueError):
    """A template that is not used: its file, the line (0 where none can be named) and the reason."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


def _day(text: str) -> str:
    day = date.fromisoformat(str(text))
    return f"{day.year}年{day.month}月{day.day}日"


def _filled(value: Any) -> Any:
    return shown(value) if isinstance(value, str) else value


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined, finalize=_filled)
    environment.globals.clear()
    filters = {"yuan": yuan, "words": in_words, "day": _day, "zh": lambda code: _WORDS.get(code, code)}
    environment.filters.update(filters)
    return environment


_JINJA = _environment()


@dataclass(frozen=True)
class PaperTemplate:
    """One template that was checked. ``sha256`` is of its file."""

    path: Path
    sha256: str
    filled: Template

    def paper(self, members: Mapping[str, Any]) -> Element:
        """The paper these facts make, to be drawn. Raises TemplateBroken."""
        try:
            return read(self.filled.render(members))
        except LayoutWrong as error:
            raise TemplateBroken(self.path, 0, f"filled in, {error}") from error
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
            raise TemplateBroken(self.path, _line_of(error, self.path), str(error)) from error


def templates_of(folder: Path | None) -> dict[str, PaperTemplate]:
    """By kind: the file of ``folder`` where there is one, else ours. Raises TemplateBroken."""
    own = _own_files(folder) if folder else {}
    return {name: checked(name, own.get(kind.template, PACKAGED / kind.template)) for name, kind in KINDS.items()}


def _own_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise TemplateBroken(folder, 0, "there is no such folder")
    found = {path.name: path for path in sorted(folder.glob("*.xml"))}
    known = [kind.template for kind in KINDS.values()]
    for name, path in found.items():
        if name not in known:
            raise TemplateBroken(path, 0, f"no paper is called so; they are {', '.join(known)}")
    return found


def checked(kind: str, path: Path) -> PaperTemplate:
    """The template of a file, filled in once with invented facts and drawn. Raises TemplateBroken."""
    source = _source(path)
    _check_names(path, source, SAMPLES[kind])
    skeleton = _TAGS.sub(lambda found: _blank(found[0]), source)
    try:
        read(skeleton)
    except LayoutWrong as error:
        raise TemplateBroken(path, error.line, error.reason) from error
    for line, text in enumerate(skeleton.splitlines(), 1):
        lacking = next((one for one in text if not is_shown(one) and one != "\t"), None)
        if lacking is not None:
            raise TemplateBroken(path, line, f"the font has no «{lacking}» (U+{ord(lacking):04X})")
    filled = _JINJA.from_string(source)
    filled.filename = str(path)
    template = PaperTemplate(path, hashlib.sha256(source.encode()).hexdigest(), filled)
    paper = template.paper(SAMPLES[kind])
    if path.parent != PACKAGED:
        try:
            pdf_of(paper, _SEAL)
        except LayoutWrong as error:
            raise TemplateBroken(path, 0, error.reason) from error
    return template


def _source(path: Path) -> str:
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise TemplateBroken(path, 0, error.strerror or "it cannot be read") from error
    if len(stored) > _SIZE_LIMIT:
        raise TemplateBroken(path, 0, f"it has {len(stored)} bytes; {_SIZE_LIMIT} are allowed")
    try:
        return stored.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateBroken(path, stored[: error.start].count(b"\n") + 1, "it is not UTF-8") from error


def _check_names(path: Path, source: str, sample: Mapping[str, Any]) -> None:
    try:
        tree = _JINJA.parse(source)
        _JINJA.compile(source)
    except TemplateSyntaxError as error:
        raise TemplateBroken(path, error.lineno, error.message or "it cannot be read") from error
    unknown = meta.find_undeclared_variables(tree) - set(sample)
    used = next((one for one in tree.find_all(nodes.Name) if one.name in unknown), None)
    if used is not None:
        raise TemplateBroken(path, used.lineno, f"there is no «{used.name}»; there are: {', '.join(sorted(sample))}")


def _blank(tag: str) -> str:
    """As many lines, and a digit where a value is to stand."""
    return ("0" if tag.startswith("{{") else "") + "\n" * tag.count("\n")


def _line_of(error: BaseException, path: Path) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename in ("<template>", str(path))), 0)
