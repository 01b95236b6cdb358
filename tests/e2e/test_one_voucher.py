"""One voucher through four processes with four databases over a real broker, driven by curl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.local_postgres import DatabaseServer
from tests.processes import Platform, running

SCRIPT = Path(__file__).with_name("one_voucher.sh")


@pytest.mark.kafka
async def test_one_voucher_goes_from_application_to_payment_by_curl(
    database_server: DatabaseServer, kafka_servers: str, tmp_path: Path
) -> None:
    assert shutil.which("curl"), "curl is needed: apt-get install curl"
    platform = Platform("kafka", database_server, kafka_servers, tmp_path)
    with running(platform):
        await platform.wait_ready()
        environment = {
            **os.environ,
            **{service.upper(): url for service, url in platform.urls.items()},
            "TONGDUI_STATE_DIR": str(tmp_path),
            "TONGDUI": str(Path(sys.executable).with_name("tongdui")),
        }
        said = subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert said.returncode == 0, said.stderr
    told = said.stdout.split()
    assert told[0] == "VoucherApplied"
    assert {"VoucherPresented", "PublicityPassed", "PayoutSettled", "RedemptionSettled", "VoucherRedeemed"} <= set(told)
