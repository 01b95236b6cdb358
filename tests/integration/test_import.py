"""Lists as regions keep them: any of three forms, tried before recorded, all rows or none, each row with its verdict."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from services.cli import app
from services.demo.cast import generated_uscc
from services.platform import service_named
from services.registry.domain.days import OpenDay
from services.registry.domain.regions import JoinRegion
from shared.kernel.commands import Principal
from shared.runtime.bus import bus_of
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings
from tests.unit.voucher_world import terms

DAY = date(2025, 3, 3)
HEADING = ["统一社会信用代码", "企业名称", "行政区划代码", "法人类型", "成立日期"]
FORMS = ("utf-8-sig", "utf-8", "gb18030", "xlsx")


@pytest.fixture
async def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A registry on its first day with 青浦 in it."""
    settings = Settings(state_dir=tmp_path, clock="simulated", simulated_epoch=1.0)
    runtime = Runtime(service_named("registry"), database_url, settings, bus_of(settings))
    await runtime.start("api")
    platform = Principal(sub="registry", role="service")
    await runtime.execute(OpenDay(date=DAY), platform, "/days", uuid4())
    joined = JoinRegion(region="310118", name="青浦区", prefixes=("310118",), joins_on=DAY)
    await runtime.execute(joined, Principal(sub="p", role="provincial_officer", region="31"), "/regions", uuid4())
    await runtime.stop()
    monkeypatch.setenv("TONGDUI_DATABASE_URL", database_url)
    monkeypatch.setenv("TONGDUI_CLOCK", "simulated")
    yield database_url


def companies(first: int, count: int) -> list[list[str]]:
    return [
        [generated_uscc("310118", number), f"青浦虚拟科技{number}有限公司", "310118", "limited_company", "2019/5/6"]
        for number in range(first, first + count)
    ]


def written(path: Path, form: str, rows: list[list[str]], heading: list[str] = HEADING) -> Path:
    path = path / f"list-{uuid4().hex[:6]}.{'xlsx' if form == 'xlsx' else 'csv'}"
    if form == "xlsx":
        book = Workbook()
        for row in (heading, *rows):
            book.active.append(row)
        book.save(path)
    else:
        with path.open("w", encoding=form, newline="") as file:
            csv.writer(file).writerows([heading, *rows])
    return path


def tried(kind: str, file: Path, *options: str, region: str = "310118") -> tuple[int, str]:
    told = CliRunner().invoke(app, ["registry", "import", kind, str(file), "--by", "officer-1", "--region", region, *options])
    return told.exit_code, told.output


def registered(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM registry_events WHERE topic = 'EnterpriseRegistered'").fetchone()[0]


@pytest.mark.parametrize("form", FORMS)
async def test_a_list_is_read_as_utf_8_gb18030_or_xlsx(database: str, tmp_path: Path, form: str) -> None:
    code, said = tried("enterprises", written(tmp_path, form, companies(1, 5)), "--apply")
    assert (code, registered(database)) == (0, 5), said
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT state FROM registry_events WHERE topic = 'EnterpriseRegistered' LIMIT 1").fetchone()
    assert "青浦虚拟科技1有限公司".encode() in bytes(row[0]) and b'"id":"officer-1"' in bytes(row[0])


async def test_without_apply_everything_is_tried_and_nothing_recorded(database: str, tmp_path: Path) -> None:
    code, said = tried("enterprises", written(tmp_path, "utf-8", companies(1, 5)))
    assert (code, registered(database)) == (0, 0)
    assert "recorded 5: nothing recorded" in said


async def test_one_bad_row_keeps_the_whole_list_out_and_is_named(database: str, tmp_path: Path) -> None:
    rows = companies(1, 4)
    rows[2][4] = "last year"
    code, said = tried("enterprises", written(tmp_path, "utf-8", rows), "--apply")
    assert (code, registered(database)) == (1, 0)
    assert "第4行 wrong_cell" in said and "last year" in said


async def test_with_skip_bad_the_good_rows_are_recorded_and_the_report_has_every_row(database: str, tmp_path: Path) -> None:
    rows = companies(1, 4)
    rows[0][0] = "91310118DEM000001X"
    rows[1] = rows[3]
    report = tmp_path / "report.csv"
    code, said = tried("enterprises", written(tmp_path, "utf-8", rows), "--apply", "--skip-bad", "--report", str(report))
    assert (code, registered(database)) == (0, 2), said
    with report.open(encoding="utf-8-sig") as file:
        verdicts = [row[1] for row in csv.reader(file)][1:]
    assert verdicts[1:] == ["recorded", "recorded", "known"] and verdicts[0] not in ("recorded", "known")


async def test_a_list_imported_again_changes_nothing(database: str, tmp_path: Path) -> None:
    file = written(tmp_path, "utf-8", companies(1, 3))
    tried("enterprises", file, "--apply")
    code, said = tried("enterprises", file, "--apply")
    assert (code, registered(database)) == (0, 3) and "known 3" in said


async def test_a_company_of_another_region_is_refused_by_the_registrys_own_rule(database: str, tmp_path: Path) -> None:
    rows = [[generated_uscc("320509", 1), "他区有限公司", "320509", "limited_company", "2019-05-06"]]
    code, said = tried("enterprises", written(tmp_path, "utf-8", rows), "--apply")
    assert (code, registered(database)) == (1, 0) and "第2行" in said


async def test_a_misspelt_column_or_a_file_that_is_no_table_is_said(database: str, tmp_path: Path) -> None:
    code, said = tried("enterprises", written(tmp_path, "utf-8", companies(1, 1), [*HEADING[:4], "成立日"]), "--apply")
    assert code == 1 and "成立日" in said and "is unknown" in said
    broken = tmp_path / "list.xlsx"
    broken.write_bytes(b"no workbook")
    assert tried("enterprises", broken)[0] == 2
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    code, said = tried("enterprises", empty)
    assert code == 2 and "no heading" in said


async def test_a_years_catalogue_is_one_version_of_all_its_rows(database: str, tmp_path: Path) -> None:
    heading = ["事项编码", "事项名称", "类别", "单次上限(元)"]
    rows = [["T01", "成分分析", "testing", "1,234.5"], ["T02", "试验", "testing", ""]]
    file = written(tmp_path, "gb18030", rows, heading)
    code, said = tried("catalogue", file, "--year", "2025", "--apply", region="31")
    assert code == 0, said
    with psycopg.connect(database) as connection:
        (state,) = connection.execute("SELECT state FROM registry_events WHERE topic = 'CataloguePublished'").fetchone()
    assert b'"unit_cap_fen":123450' in bytes(state) and b'"T02"' in bytes(state)


async def test_terms_are_imported_by_dotted_columns(database: str, tmp_path: Path) -> None:
    stated = terms()
    flat = {f"terms.{name}": value for name, value in stated.items() if not isinstance(value, dict)}
    inner = {outer: value for outer, value in stated.items() if isinstance(value, dict)}
    flat |= {f"terms.{outer}.{name}": value for outer, members in inner.items() for name, value in members.items()}
    flat |= {f"basis.{topic}": "notice" for topic in ("scope", "applicants", "amounts", "payment")}
    heading = ["区域代码", "生效日期", "依据文件", "文本摘要", *flat]
    row = ["310118", "2025-03-03", "细则", "a" * 64, *(_cell(value) for value in flat.values())]
    code, said = tried("policies", written(tmp_path, "utf-8", [row], heading), "--apply")
    assert code == 0, said


async def test_laboratories_apply_through_a_list(database: str, tmp_path: Path) -> None:
    heading = ["统一社会信用代码", "机构名称", "省级代码", "机构类型", "成立日期", "服务类别"]
    row = [generated_uscc("310115", 900_001), "示例检测", "31", "public_institution", "2015年6月1日", "testing;transfer"]
    code, said = tried("providers", written(tmp_path, "utf-8", [row], heading), "--apply", region="31")
    assert code == 0, said


def _cell(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
