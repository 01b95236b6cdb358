"""Papers: templates an operator edits, the PDF that is made of them, and the code it is verified by."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from services import people
from services.cli import app, main
from services.settlement.papers.codes import code_of, normalised
from services.settlement.papers.glyphs import shown
from services.settlement.papers.kinds import KINDS, Facts
from services.settlement.papers.layout import Seal, pdf_of
from services.settlement.papers.making import PaperMaker, PaperSettings
from services.settlement.papers.samples import SAMPLES
from services.settlement.papers.templates import PACKAGED, TemplateBroken, templates_of
from shared.kernel import keyed_digest

CODE = "ABCD-EFGH-IJKL-MNOP-QRST"
SEAL = Seal(CODE, f"https://papers.example/settlement/v1/papers/{CODE}")


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


def edited(folder: Path, kind: str, before: str, after: str) -> Path:
    source = (PACKAGED / f"{kind}.xml").read_text(encoding="utf-8")
    assert before in source
    (folder / f"{kind}.xml").write_text(source.replace(before, after, 1), encoding="utf-8")
    return folder


SENTENCES = {
    "request": ("科技创新券兑付申请表", "申请兑付金额30,000.00元(大写:叁万元整)", "26312000000000000017", "申请单位(盖章)"),
    "undertaking": ("承诺书", "现郑重承诺", "不存在弄虚作假", "重复获得支持", "与示例材料有限公司之间", "法定代表人"),
    "decision": ("审核决定通知书", "同意兑付", "核定金额30,000.00元(大写:叁万元整)", "第1版", "调整后为29,500.00元"),
    "letter": ("追回通知书", "示例科追〔2026〕1号", "追回事由:违反规定", "大写:叁万元整", "2026年10月31日", "缴款书", "抵扣"),
    "attachment": ("公示〔2026〕第1号附件", "2026年3月12日至2026年3月19日", "有限公司/示例检测研究院", "30,000.00"),
    "list": ("拨付汇总表", "6222000000000173", "102290002916", "叁万元整", "合计1笔", "经办:clerk", "审批:payer"),
    "statement": ("跨区域结算单", "本期应付30,000.00叁万元整", "尚缺资金29,500.00贰万玖仟伍佰元整"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_paper_says_its_sentences_and_carries_its_code(kind: str) -> None:
    pdf = pdf_of(templates_of(None)[kind].paper(SAMPLES[kind]), SEAL)
    text = text_of(pdf)
    assert [sentence for sentence in SENTENCES[kind] if sentence not in text] == []
    assert f"验证码:{CODE}" in text and "https://papers.example" in text


def test_the_same_facts_make_the_same_bytes_and_others_make_others() -> None:
    template = templates_of(None)["letter"]
    again = pdf_of(template.paper(dict(SAMPLES["letter"])), SEAL)
    assert pdf_of(template.paper(SAMPLES["letter"]), SEAL) == again
    assert pdf_of(template.paper({**SAMPLES["letter"], "amount_fen": 1}), SEAL) != again


def test_without_fault_and_without_instalments_a_letter_says_so() -> None:
    members = {**SAMPLES["letter"], "ground": "no_fault", "instalments": [], "offset_allowed": False}
    text = text_of(pdf_of(templates_of(None)["letter"].paper(members), SEAL))
    assert "不构成处罚" in text and "一次退回" in text and "违反规定" not in text and "抵扣" not in text


def test_a_refusal_names_its_reasons_and_the_appeal() -> None:
    members = {**SAMPLES["decision"], "approved": False}
    text = text_of(pdf_of(templates_of(None)["decision"].paper(members), SEAL))
    assert "不予兑付" in text and "发票与合同不符" in text and "申诉" in text and "核定金额" not in text


def test_a_list_of_many_lines_goes_over_pages_with_its_code_on_each() -> None:
    line = SAMPLES["list"]["lines"][0]
    members = {**SAMPLES["list"], "lines": [{**line, "line_no": number} for number in range(1, 301)]}
    pages = PdfReader(io.BytesIO(pdf_of(templates_of(None)["list"].paper(members), SEAL))).pages
    assert len(pages) > 5 and all(CODE in page.extract_text() and "账号" in page.extract_text() for page in pages[:-1])


def test_a_character_the_font_lacks_does_not_vanish() -> None:
    assert shown("示例𠮷𠮷") == "示例〓(U+20BB7)〓(U+20BB7)"
    members = {**SAMPLES["letter"], "debtor_name": "示例𠮷有限公司<b>&"}
    text = text_of(pdf_of(templates_of(None)["letter"].paper(members), SEAL))
    assert "示例〓(U+20BB7)有限公司<b>&" in text


def test_an_operators_template_is_used_for_its_paper_alone(tmp_path: Path) -> None:
    folder = edited(tmp_path, "letter", "追回通知书</title>", "退款通知</title>")
    templates = templates_of(folder)
    assert "退款通知" in text_of(pdf_of(templates["letter"].paper(SAMPLES["letter"]), SEAL))
    assert templates["request"].path.parent == PACKAGED


BROKEN = [
    ("{{ amount_fen|words }}", "{{ amount_fn|words }}", 12, "there is no «amount_fn»"),
    ("{{ amount_fen|words }}", "{{ amount_fen|wrods }}", 12, "wrods"),
    ("{{ instalment.until|day }}", "{{ instalment.till|day }}", 19, "till"),
    ("<title>追回通知书</title>", "<title>追回通知书</titel>", 2, "not well-formed"),
    ("<title>追回通知书</title>", "<headline>追回通知书</headline>", 2, "<headline> does not stand in <paper>"),
    ("追回通知书</title>", "追回通知书𠮷</title>", 2, "U+20BB7"),
    ("{% endfor %}", "", 26, "endfor"),
    ('widths="1 3 3 5"', 'widths="1 3 3"', 15, "align has one"),
    ("  <verification/>\n", "", 1, "<verification/> once"),
    ("{{ decision_no }}", "{{ ''.__class__ }}", 3, "unsafe"),
]


@pytest.mark.parametrize(("before", "after", "line", "reason"), BROKEN)
def test_a_broken_template_is_refused_with_file_line_and_reason(
    tmp_path: Path, before: str, after: str, line: int, reason: str
) -> None:
    folder = edited(tmp_path, "letter", before, after)
    with pytest.raises(TemplateBroken) as refused:
        PaperMaker(lambda: None, PaperSettings(paper_templates=folder))
    assert (refused.value.path, refused.value.line) == (folder / "letter.xml", line), refused.value.reason
    assert reason in refused.value.reason


def test_a_file_that_is_no_paper_is_refused_since_it_would_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "leter.xml").write_text("<paper/>", encoding="utf-8")
    with pytest.raises(TemplateBroken, match=r"leter\.xml: no paper is called so"):
        templates_of(tmp_path)


def test_the_command_draws_a_template_and_exits_1_for_a_broken_one(tmp_path: Path) -> None:
    out, folder = tmp_path / "letter.pdf", tmp_path / "templates"
    folder.mkdir()
    edited(folder, "letter", "追回通知书</title>", "退款通知</title>")
    run = CliRunner().invoke(app, ["settlement", "paper", "letter", "--template", str(folder), "--out", str(out)])
    assert run.exit_code == 0 and "退款通知" in text_of(out.read_bytes())
    edited(folder, "letter", "追回通知书</title>", "追回通知书</titel>")
    broken = CliRunner().invoke(app, ["settlement", "paper", "letter", "--template", str(folder)])
    assert broken.exit_code == 1 and "letter.xml:2:" in broken.output


def test_a_start_with_a_broken_template_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = edited(tmp_path, "letter", "追回通知书</title>", "追回通知书</titel>")
    monkeypatch.setenv("TONGDUI_PAPER_TEMPLATES", str(folder))
    monkeypatch.setattr("services.cli.app", people.documents)
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value).startswith(f"tongdui: {folder / 'letter.xml'}:2: not well-formed")


def test_a_code_is_of_100_bits_and_follows_from_all_a_paper_says_and_is_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyed_digest, "_key", [b"a key of this test"])
    facts = Facts("letter", "s", UUID(int=1), 3, "n", 1, {"amount_fen": 1})
    others = [
        replace(facts, kind="request"), replace(facts, subject="t"), replace(facts, stream=UUID(int=2)),
        replace(facts, version=4), replace(facts, members={"amount_fen": 2}),
    ]  # fmt: skip
    codes = {code_of(facts, "made"), code_of(facts, "made otherwise"), *(code_of(other, "made") for other in others)}
    assert len(codes) == 7 and all(re.fullmatch(r"([A-Z2-7]{4}-){4}[A-Z2-7]{4}", code) for code in codes)
    before = code_of(facts, "made")
    monkeypatch.setattr(keyed_digest, "_key", [b"another key"])
    assert code_of(facts, "made") != before, "nobody makes a code without the platform's key"


def test_a_code_is_read_as_people_type_it() -> None:
    assert normalised("abcd efgh 1jkl-mn0p qrst") == "ABCD-EFGH-IJKL-MNOP-QRST"
    assert [normalised(text) for text in ("", "ABCD", "ABCD-EFGH-IJKL-MNOP-QRS!", "A" * 21)] == [None] * 4
