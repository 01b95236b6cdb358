"""The command ``tongdui``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def tongdui(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TONGDUI_", "KAFKA_"))}
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env={**ours, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
    )


def test_help_names_every_command_in_chinese_and_english() -> None:
    told = tongdui("--help").stdout
    for name, chinese in {"up": "运行全部服务", "run": "运行一个服务", "demo": "演示", "token": "签发开发令牌"}.items():
        assert name in told and chinese in told


def test_a_service_alone_on_kafka_is_told_where_to_get_a_broker() -> None:
    refused = tongdui("run", "voucher")
    assert refused.returncode == 2
    assert "tongdui broker" in refused.stderr


def test_an_unknown_service_is_refused_by_name() -> None:
    refused = tongdui("run", "payroll")
    assert refused.returncode == 2
    assert "payroll" in refused.stderr


def test_a_token_is_printed_alone(tmp_path: Path) -> None:
    told = tongdui("token", "--role", "auditor", "--sub", "a-1", TONGDUI_STATE_DIR=str(tmp_path))
    assert told.stdout.count(".") == 2 and told.stdout.count("\n") == 1


def test_production_signs_no_token_and_says_so_in_a_line() -> None:
    refused = tongdui("token", "--role", "auditor", "--sub", "a-1", TONGDUI_ENVIRONMENT="production")
    assert refused.returncode == 1
    assert refused.stderr.startswith("tongdui: ") and refused.stderr.count("\n") == 1


def test_a_setting_of_the_wrong_kind_is_named_in_a_line() -> None:
    refused = tongdui("token", "--role", "auditor", "--sub", "a-1", TONGDUI_PORT="many")
    assert refused.returncode == 1
    assert refused.stderr.startswith("tongdui: TONGDUI_PORT") or refused.stderr.startswith("tongdui: port")
    assert refused.stderr.count("\n") == 1
