"""The notice rule by rule: where each is enforced and which test is named after it.

``python -m tests.contract.notice_rules --write`` writes ``docs/rules.md``; a test holds the page to this table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
SECTIONS = {
    "一(一)": "试点区域", "一(二)": "其他区域", "二": "总则", "二(一)": "服务范围", "二(二)": "申领主体", "二(三)": "服务机构",
    "二(四)": "额度", "二(五)": "通用与通兑", "二(六)": "管理与监督", "三": "流程总则", "三(一)": "申领", "三(二)": "意向合同",
    "三(三)": "额度核定", "三(四)": "兑付申请与公示", "三(五)": "拨付",
}  # fmt: skip


class Rule(NamedTuple):
    """``where``: service and module that decides. ``test``: module and sentence."""

    section: str
    rule: str
    where: str
    test: str


def _of(section: str, where: str, module: str, *pairs: tuple[str, str]) -> list[Rule]:
    return [Rule(section, rule, where, f"{module}::test_{test}") for rule, test in pairs]


REGIONS = "registry.domain.regions", "unit/test_registry_regions.py"
POLICIES = "registry.domain.policies", "unit/test_registry_policies.py"
CATALOGUE = "registry.domain.catalogue", "unit/test_registry_policies.py"
CENTRES = "registry.domain.centres", "unit/test_registry_policies.py"
QUALIFICATION = "registry.domain.qualification", "unit/test_registry_qualification.py"
ASSESSMENT = "registry.domain.assessment", "unit/test_registry_assessment.py"
ENTERPRISES = "registry.domain.enterprises", "unit/test_registry_enterprises.py"
PROVIDERS = "registry.domain.providers", "unit/test_registry_providers.py"
LISTING = "registry.domain.listing_notice", "unit/test_registry_listing.py"
AMOUNTS = "voucher.domain.amounts", "unit/test_voucher_amounts.py"
CASES = "unit/test_voucher_cases.py"
LOCAL = "unit/test_voucher_local_support.py"
APPEALS = "unit/test_voucher_appeals.py"
REQUESTS = "unit/test_settlement_requests.py"
REVIEW = "unit/test_settlement_review.py"
NOTICES = "unit/test_settlement_notices.py"
PAYMENTS = "unit/test_settlement_payments.py"
REACTIONS = "unit/test_settlement_reactions.py"

RULES: list[Rule] = [
    *_of("一(一)", *REGIONS,
         ("马鞍山 takes part whole: any code beginning 3405", "a_prefecture_takes_part_whole"),
         ("the longest prefix on the day wins (33 beside 330421)", "the_longest_prefix_on_the_day_wins"),
         ("a region pays for enterprises of its own province", "a_region_pays_for_its_own_province_only")),
    *_of("一(二)", *REGIONS,
         ("other regions join through their province", "only_its_own_province_lets_a_region_join"),
         ("上海 and 浙江 may join whole, six months after the notice",
          "shanghai_and_zhejiang_may_take_part_whole_six_months_after_the_notice"),
         ("江苏 and 安徽 may not", "jiangsu_and_anhui_do_not_take_part_whole"),
         ("a reach widens from a later day", "a_reach_is_widened_from_a_later_day_and_what_it_gives_up_is_nobodys"),
         ("a region leaves later, with a run-off", "a_region_leaves_later_and_its_run_off_ends_after_that")),
    *_of("二", *POLICIES,
         ("only scope, applicants, amounts and payment may follow a region's own rules",
          "only_scope_applicants_amounts_and_payment_may_have_another_basis"),
         ("terms are adopted for a later day, a region's first excepted", "later_terms_begin_after_the_business_day"),
         ("two versions never begin on one day", "two_versions_never_begin_on_one_day"),
         ("the version in force is found by the business day", "the_terms_in_force_are_those_that_began_last")),
    *_of("二(一)", *CATALOGUE,
         ("the year's list has versions", "a_years_list_has_versions_one_after_another"),
         ("a region may have a list of its own", "the_common_list_is_a_provinces_to_publish_and_a_regions_own_the_regions")),
    *_of("二(一)", "voucher.domain.allocation", CASES,
         ("only services on this year's list count", "a_service_that_is_not_on_this_years_list_carries_nothing")),
    *_of("二(二)", *QUALIFICATION,
         ("an independent legal person", "an_applicant_is_an_independent_legal_person"),
         ("an SME number of the year, 18 characters", "a_number_has_18_characters_and_is_of_its_year_which_still_serves"),
         ("the status ends on 31 December", "a_number_of_the_year_qualifies_until_31_december"),
         ("until the region's grace date last year's serves", "the_regions_grace_date_lets_last_years_status_serve_on"),
         ("a region reviews a company only where its terms say so", "a_region_reviews_only_where_its_terms_say_so"),
         ("a status that was revoked serves no more", "a_revocation_is_an_officers_from_today_on")),
    *_of("二(二)", *ASSESSMENT,
         ("国科发政〔2017〕115号: 60 points and technical staff",
          "a_company_with_at_least_60_points_and_technical_staff_qualifies"),
         ("exactly 30 % is 20 points, in integers", "three_of_ten_are_exactly_thirty_percent_in_integers"),
         ("the better of the two R&D measures counts", "the_better_of_the_two_measures_of_research_counts"),
         ("each of the five conditions", "each_condition_fails_a_company_and_its_points_are_given_all_the_same"),
         ("a shortcut qualifies, but not without the conditions",
          "a_shortcut_qualifies_whatever_the_score_but_not_without_the_conditions")),
    *_of("二(二)", *ENTERPRISES,
         ("the paying region is that of the registered address",
          "the_paying_region_comes_from_the_registered_address_not_from_the_digits_of_the_uscc"),
         ("a move changes who pays later vouchers", "a_move_changes_who_pays_from_its_day_on"),
         ("division codes are dated", "division_codes_are_dated"),
         ("an override of a failing USCC is recorded",
          "a_failing_check_digit_is_let_in_by_the_officer_who_names_himself_and_that_is_recorded"),
         ("a merger passes vouchers on by decision",
          "an_enterprise_is_succeeded_by_one_that_is_registered_by_decision_of_an_officer")),
    *_of("二(三)", *PROVIDERS,
         ("registered for two years", "a_provider_has_been_registered_for_two_years"),
         ("services, norms and prices stated", "a_provider_states_its_services_and_prices"),
         ("certificates, staff, norms and credit attested by its province",
          "the_province_attests_certificates_staff_norms_and_credit"),
         ("no bad credit", "a_provider_with_a_bad_credit_record_is_not_recommended"),
         ("an organisation registered in the delta", "an_applicant_is_itself_an_organisation_of_the_delta"),
         ("recommended by its province", "a_provider_that_meets_every_condition_is_recommended_by_its_province"),
         ("leaves by decision or by its own wish", "a_provider_leaves_by_its_own_wish_or_by_a_decision_with_a_number")),
    *_of("二(三)", *LISTING,
         ("made public in a numbered notice, then listed", "a_provider_nobody_objected_to_is_listed_the_day_after_the_last_day"),
         ("calendar and working days must both pass", "both_calendar_and_working_days_must_pass"),
         ("an objection holds its item, not the list", "an_objection_holds_its_item_not_the_list")),
    *_of("二(四)", *POLICIES,
         ("more than 300,000 yuan a year needs a document of the region's own",
          "a_year_cap_above_300_000_yuan_needs_a_document_of_the_regions_own")),
    *_of("二(四)", *AMOUNTS,
         ("ratio × price, rounded down", "the_ratio_of_the_price_is_rounded_down_to_the_fen"),
         ("without tax where the terms say so", "without_tax_the_eligible_price_is_rounded_down_first"),
         ("the cap per use", "a_sum_exactly_at_the_cap_is_not_reduced_and_one_fen_over_is"),
         ("what is left of the year", "what_is_left_of_the_year_cuts_or_refuses_as_the_terms_say"),
         ("rounding last", "rounding_to_the_yuan_is_last_and_may_leave_nothing"),
         ("every step is in the event", "the_steps_always_lead_to_the_sum_and_never_exceed_a_limit")),
    *_of("二(四)", "voucher.domain.ceilings", CASES,
         ("the allocation is held under every ceiling", "a_confirmed_allocation_holds_under_every_ceiling"),
         ("a budget cut below what is committed: nothing new, what is held stays",
          "a_budget_cut_below_what_is_committed_allocates_nothing_new_and_keeps_what_is_held"),
         ("no ceiling is ever exceeded", "no_ceiling_is_ever_exceeded_and_no_line_backs_two_live_vouchers")),
    *_of("二(四)", "voucher.domain.reinstatement", APPEALS,
         ("a reinstated voucher holds in its original year",
          "a_voided_voucher_lives_on_with_new_holds_of_its_original_year_when_the_appeal_is_upheld")),
    *_of("二(四)", "voucher.domain.carry_over", "unit/test_voucher_year_end.py",
         ("a treasury that charges the year of payment carries holds over (结转)",
          "a_budget_charged_in_the_year_of_payment_is_carried_over_and_a_quota_of_the_allocations_year_is_not"),
         ("or frees them", "terms_that_release_at_the_years_end_free_the_holds_of_what_is_not_presented"),
         ("what does not fit stays and its payout waits",
          "what_does_not_fit_into_the_new_year_stays_and_waits_and_is_asked_again")),
    *_of("二(四)", "voucher.domain.near_duplicates", LOCAL,
         ("a contract split to stay under a cap is flagged", "a_contract_split_to_stay_under_the_cap_is_flagged"),
         ("a pair's sum over the year is flagged", "a_pair_whose_sum_passes_the_enterprises_year_is_flagged")),
    *_of("二(五)", "voucher.domain.application", CASES,
         ("a region offers one mode or both", "a_mode_the_region_does_not_offer_is_refused_with_its_reason")),
    *_of("二(五)", "settlement.domain.review", REVIEW,
         ("通用: the company has paid all", "in_tongyong_the_company_must_have_paid_everything"),
         ("通兑: the company has paid the rest", "in_tongdui_the_company_must_have_paid_the_rest"),
         ("too much paid: the provider refunds first", "in_tongdui_the_provider_is_not_paid_twice_and_refunds_first")),
    *_of("二(六)", "voucher.domain.handover", CASES,
         ("no transfer, gift or sale", "a_voucher_goes_only_from_the_enterprise_to_its_laboratory")),
    *_of("二(六)", "voucher.domain.recusal", "unit/test_voucher_people.py",
         ("an officer with an interest stays out (回避)", "an_officer_who_recused_himself_decides_nothing_of_the_case")),
    *_of("二(四)", "voucher.domain.allocation", "unit/test_voucher_people.py",
         ("a controller's enterprises share a ceiling where the terms have one",
          "enterprises_of_one_controller_share_its_years_ceiling")),
    *_of("二(六)", "voucher.domain.application", "unit/test_voucher_people.py",
         ("related parties are refused or flagged, as the terms say", "related_parties_are_refused_where_the_terms_say_so")),
    *_of("二(六)", "voucher.domain.appeals", APPEALS,
         ("every refusal can be appealed", "a_refused_application_is_issued_when_the_appeal_is_upheld"),
         ("another person decides", "an_appeal_is_decided_by_another_person_than_the_one_it_is_against"),
         ("within the region's days", "an_appeal_is_lodged_within_the_regions_days_the_last_one_included")),
    *_of("二(六)", "settlement.domain.stops", REACTIONS,
         ("a bar strikes no bystander: payment waits, a person decides", "performance_allowed_frees_the_payment"),
         ("a provider that leaves by its own wish holds nothing", "a_provider_that_leaves_by_its_own_wish_holds_nothing"),
         ("a finding stops payment", "a_finding_that_stops_payment_holds_the_payment_until_its_inspection_is_closed")),
    *_of("二(六)", "settlement.domain.clawbacks", "unit/test_settlement_clawbacks.py",
         ("money comes back after payment only; before it a finding holds the payment",
          "before_payment_nothing_is_taken_back_a_finding_holds_the_payout_instead"),
         ("ordered by another person than proposed it", "a_recovery_is_ordered_by_another_person_than_proposed_it"),
         ("within what was paid", "all_orders_of_a_redemption_stay_within_what_was_paid_of_it"),
         ("to the paying treasury, of the same fiscal year or an earlier one",
          "a_recovery_is_of_a_fiscal_year_from_that_of_the_payment_to_the_current_one")),
    *_of("二(六)", "settlement.domain.offsets", "unit/test_settlement_offsets.py",
         ("an offset never crosses fiscal years", "nothing_is_set_off_across_fiscal_years"),
         ("only where the region's terms allow it", "nothing_is_set_off_where_the_terms_do_not_allow_it_or_somebody_else_owes")),
    *_of("二(六)", "audit.domain.inspections", "unit/test_audit_inspections.py",
         ("checks, regular or for cause", "an_inspection_is_opened_by_an_auditor_or_an_officer_of_either_place"),
         ("the party is heard before anything is recommended",
          "nothing_is_recommended_before_the_party_was_heard_or_its_days_are_over")),
    *_of("二(六)", "audit.domain.sanctions", "unit/test_audit_sanctions.py",
         ("only the liable party", "only_the_liable_party_is_sanctioned"),
         ("told and heard first", "nobody_is_sanctioned_untold_or_unheard"),
         ("decided by another person", "who_proposed_a_sanction_does_not_decide_it"),
         ("on the credit record of both places", "a_decision_is_entered_on_the_record_of_both_places")),
    *_of("三(五)", "settlement.domain.invoice_status", "unit/test_settlement_invoice_status.py",
         ("a reversed invoice (红冲) sends a request back", "an_invoice_reversed_before_the_review_sends_the_request_back"),
         ("and holds a payment", "an_invoice_reversed_after_the_approval_holds_the_release")),
    *_of("三(五)", "settlement.domain.invoice_checks", "unit/test_settlement_invoice_checks.py",
         ("reversed after payment, the difference comes back without fault",
          "what_a_reversed_invoice_no_longer_covers_is_proposed_to_be_taken_back"),
         ("a like-for-like reissue is only linked", "an_invoice_issued_anew_like_for_like_is_only_linked")),
    *_of("三(五)", "settlement.domain.adjustments", "unit/test_settlement_adjustments.py",
         ("officers make mistakes: an adjustment has its own public notice",
          "a_rise_is_asked_of_the_voucher_published_and_paid_and_settles_nothing_twice"),
         ("an objection ends the rise, not what was paid",
          "an_objection_to_a_rise_that_is_upheld_ends_the_rise_and_leaves_what_was_paid")),
    *_of("三(五)", "settlement.domain.result_lists", "unit/test_settlement_result_lists.py",
         ("the treasury's list goes out and its result comes back, by another person",
          "the_list_is_handed_in_by_another_person_of_the_region_than_released_it")),
    *_of("三(五)", "settlement.domain.windows", "unit/test_settlement_windows.py",
         ("an agent pays across regions; each region's sums are fixed by windows",
          "a_window_fixes_what_each_region_owes_and_asks_for_it"),
         ("a region that has not sent its money holds nobody else",
          "payments_of_a_region_that_has_not_sent_its_money_wait_and_go_on_when_it_came")),
    *_of("三", "voucher.domain.local_support", LOCAL,
         ("a project supported locally is not supported here", "a_contract_with_local_support_backs_no_voucher"),
         ("a late list stops what is under way", "local_support_that_arrives_after_the_allocation_frees_what_was_held"),
         ("the rest goes to a reviewer", "support_of_another_contract_of_the_pair_is_flagged_for_the_reviewer"),
         ("the same item at the same price within 90 days is flagged",
          "the_same_item_at_the_same_price_within_90_days_is_flagged")),
    *_of("三", "settlement.domain.local_support", "unit/test_settlement_local_support.py",
         ("an invoice with local support backs no request", "an_invoice_with_local_support_backs_no_request"),
         ("a person decides on a case a late list stopped", "a_person_may_decide_that_the_case_goes_on")),
    *_of("三(一)", "voucher.domain.application", CASES,
         ("apply online, with a listed provider", "an_application_in_order_is_issued_with_its_last_days"),
         ("every reason of a refusal is named",
          "a_suspended_laboratory_and_a_barred_enterprise_are_both_named_in_the_refusal")),
    *_of("三(一)", "voucher.domain.application", "unit/test_voucher_people.py",
         ("a region may look at companies before a voucher is issued",
          "where_the_terms_ask_for_a_pre_check_the_region_looks_before_the_voucher_is_issued")),
    *_of("三(一)", "voucher.domain.claims", CASES,
         ("a contract line backs one live voucher", "one_contract_line_backs_one_live_voucher_and_is_free_again_when_that_ends")),
    *_of("三(二)", "voucher.domain.contract", CASES,
         ("either party submits, the other acknowledges or disputes",
          "only_the_other_party_acknowledges_and_a_dispute_frees_the_lines"),
         ("until the last day, included", "the_contract_comes_until_use_by_included")),
    *_of("三(三)", *CENTRES,
         ("a region entrusts centres, each for a scope and a time", "a_region_entrusts_a_centre_for_a_scope_and_a_time"),
         ("a released centre acts no more", "a_centre_that_is_released_acts_no_more_from_that_day")),
    *_of("三(三)", "voucher.domain.correction", APPEALS,
         ("a mistaken allocation is corrected", "a_line_counted_by_mistake_is_taken_out_and_the_holds_follow"),
         ("by the centre, before payment is asked for",
          "a_correction_is_by_the_centre_entrusted_and_before_payment_is_asked_for")),
    *_of("三(四)", "settlement.domain.request", REQUESTS,
         ("either party asks, with the evidence",
          "either_party_may_request_payment_and_the_invoices_are_claimed_with_it"),
         ("until the voucher's last day", "payment_is_requested_up_to_the_vouchers_last_day"),
         ("all defects are named at once", "all_defects_are_named_at_once"),
         ("通兑: the voucher was collected", "in_tongdui_the_provider_must_have_collected_the_voucher"),
         ("returned for mending, by the region's days", "a_returned_request_is_mended_by_the_regions_days_included")),
    *_of("三(四)", "settlement.domain.invoices", "unit/test_settlement_invoices.py",
         ("one invoice backs several redemptions, up to its total",
          "one_invoice_backs_several_redemptions_up_to_its_total"),
         ("what was reversed backs nothing", "what_was_reversed_of_an_invoice_backs_nothing")),
    *_of("三(四)", "settlement.domain.payable", REVIEW,
         ("less work, less money", "less_work_is_less_money"),
         ("never more", "more_work_is_not_more_money"),
         ("base: performed and invoiced", "what_was_performed_but_not_invoiced_carries_nothing")),
    *_of("三(四)", "settlement.domain.review", REVIEW,
         ("the centre reviews", "only_a_centre_entrusted_with_reviewing_today_reviews"),
         ("another person agrees", "whoever_reviewed_a_case_does_not_approve_it")),
    *_of("三(四)", "settlement.domain.approval", REVIEW,
         ("the region's department agrees", "only_the_paying_regions_department_approves")),
    *_of("三(四)", "settlement.domain.notices", NOTICES,
         ("numbered public notices", "the_next_notice_has_the_next_number"),
         ("naming parties, region, item and amount only",
          "a_notice_is_numbered_by_year_and_names_parties_region_item_and_amount_only"),
         ("both periods pass before payment", "nothing_passes_on_the_last_day_and_everything_the_day_after"),
         ("a corrected item is public for a whole period again", "a_corrected_item_has_a_whole_period_again")),
    *_of("三(四)", "settlement.domain.objections", NOTICES,
         ("an objection holds one item", "an_objection_holds_its_item_which_passes_at_a_later_close_once_it_is_dismissed"),
         ("upheld: approval withdrawn, a new notice for a new one",
          "an_upheld_objection_takes_the_approval_back_and_a_new_approval_needs_a_new_notice")),
    *_of("三(五)", "voucher.domain.succession", "unit/test_voucher_succession.py",
         ("a merger passes vouchers on by decision",
          "a_voucher_of_a_merged_enterprise_is_its_successors_with_what_it_holds")),
    *_of("三(五)", "settlement.domain.succession", "unit/test_settlement_succession.py",
         ("what was approved for a predecessor is approved anew",
          "what_was_approved_for_a_predecessor_is_approved_anew_for_the_successor"),
         ("dissolved: a person decides case by case",
          "a_dissolved_enterprises_case_waits_for_a_decision_and_the_laboratory_is_paid_by_it")),
    *_of("三(四)", "voucher.domain.endings", CASES,
         ("past its last day a voucher expires",
          "an_expired_voucher_frees_its_holds_only_after_settlement_has_heard_of_the_day")),
    *_of("三(五)", *("registry.domain.policies", "unit/test_registry_policies.py"),
         ("the treasury is the base case; only 通兑 may go through an agent", "only_tongdui_is_paid_through_an_agent")),
    *_of("三(五)", "settlement.domain.batches", PAYMENTS,
         ("released by a person who reviewed and approved none of it",
          "whoever_reviewed_or_approved_something_in_a_batch_does_not_release_it"),
         ("an agent pays where it is appointed",
          "a_payout_of_an_agents_channel_is_released_by_that_agent_where_it_is_appointed")),
    *_of("三(五)", "settlement.domain.payouts", PAYMENTS,
         ("never paid twice", "a_new_attempt_follows_a_failure_and_never_an_uncertainty"),
         ("a late success is recorded, never paid again",
          "a_late_success_after_a_failure_is_recorded_and_never_paid_again"),
         ("nothing heard by the deadline: uncertain",
          "a_payment_of_which_nothing_was_heard_falls_due_by_its_channels_deadline"),
         ("settled once", "the_last_payment_settled_settles_the_redemption_once_in_the_same_transaction")),
]  # fmt: skip


def page() -> str:
    """``docs/rules.md``."""
    lines = [
        "# The notice, rule by rule 通知条款对照", "",
        "沪科合〔2020〕31号. Written by `python -m tests.contract.notice_rules --write`; modules and tests are checked.",
        "What a region may set for itself is in its dated terms (`PolicyAdopted`), not here.", "",
        "| § | Rule | Decided in `services.` | Test |", "|---|---|---|---|",
    ]  # fmt: skip
    for section, title in SECTIONS.items():
        for rule in RULES:
            if rule.section == section:
                module, name = rule.test.split("::")
                lines.append(f"| {section} {title} | {rule.rule} | `{rule.where}` | `tests/{module}` `{name}` |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
