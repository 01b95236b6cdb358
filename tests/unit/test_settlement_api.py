"""Who may call what, and who sees whose rows."""

from __future__ import annotations

from services.settlement.api import ROUTES, batches_seen, payouts_seen, redemptions_seen
from services.settlement.commands import FOLDS, HANDLERS
from services.settlement.domain.endings import LapseRedemption
from services.settlement.domain.notices import CloseNotice
from services.settlement.domain.payouts import CheckPayout
from services.settlement.domain.windows import CloseWindow, SettleWindow
from services.settlement.main import SERVICE
from shared.runtime.routes import CommandRoute, ViewRoute
from tests.unit.settlement_world import AGENT, APPROVER, CLERK, COMPANY, ENTERPRISE, LABORATORY, PROVIDER, REGION, REVIEWER

OF_THE_PLATFORM = {LapseRedemption, CloseNotice, CheckPayout, CloseWindow, SettleWindow}


def test_every_command_has_one_route_except_what_falls_due_by_itself() -> None:
    commands = [route.command for route in ROUTES if isinstance(route, CommandRoute)]
    assert len(commands) == len(set(commands))
    assert set(commands) == set(HANDLERS) - OF_THE_PLATFORM


def test_every_command_says_what_it_does() -> None:
    assert not [command.__name__ for command in HANDLERS if not (command.__doc__ or "").strip()]


def test_the_public_reads_notices_and_objects_and_nothing_else() -> None:
    public = {route.path for route in ROUTES if "public" in route.roles}
    assert public == {"/notices", "/notices/{key}", "/notices/{notice_id}/objections"}


def test_every_view_is_there_and_every_list_is_filtered_by_members_it_has() -> None:
    views = {view.name: view for view in SERVICE.views}
    for route in ROUTES:
        if isinstance(route, ViewRoute):
            assert route.view in views
            assert set(route.filters) <= {*views[route.view].indexed, "held"}


def test_a_party_sees_its_own_and_a_department_what_its_region_pays() -> None:
    assert redemptions_seen(COMPANY) == {"enterprise_uscc": ENTERPRISE}
    assert redemptions_seen(LABORATORY) == {"provider_uscc": PROVIDER}
    assert redemptions_seen(APPROVER) == payouts_seen(APPROVER) == {"region": REGION}
    assert payouts_seen(LABORATORY) == {"payee_uscc": PROVIDER}
    assert redemptions_seen(REVIEWER) == []
    trusted = REVIEWER.model_copy(update={"regions": ("310118", "320509")})
    assert redemptions_seen(trusted) == [{"region": "310118"}, {"region": "320509"}]


def test_an_agent_sees_what_goes_through_agents_and_its_own_batches() -> None:
    assert payouts_seen(CLERK) == []
    appointed = CLERK.model_copy(update={"regions": (REGION,)})
    assert payouts_seen(appointed) == [{"channel": "agent", "region": REGION}]
    assert batches_seen(CLERK) == {"payer": str(AGENT)}
    assert batches_seen(APPROVER) == {"payer": REGION}


def test_every_own_event_type_is_in_one_fold() -> None:
    own = [cls for fold in FOLDS if fold.source == "settlement" for cls in fold.types]
    assert len(own) == len(set(own))
