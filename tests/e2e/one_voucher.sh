#!/usr/bin/env bash
# One voucher from application to payment through four running services, by curl alone.
# REGISTRY, VOUCHER, SETTLEMENT, AUDIT are base URLs; the clock is simulated; `tongdui token` signs.
set -euo pipefail

REGION=310118; ENTERPRISE=91310118MA0TEXT048; PROVIDER=91320509MA0TEXT040
CENTRE=3f0e9a52-1111-4a7b-8c55-000000000001; V=3f0e9a52-1111-4a7b-8c55-000000000002; R=3f0e9a52-1111-4a7b-8c55-000000000003
AGENT=3f0e9a52-1111-4a7b-8c55-000000000004
SHA=$(printf 'x' | sha256sum | cut -d' ' -f1)

uuid() { cat /proc/sys/kernel/random/uuid; }
token() { # role sub options…
  "${TONGDUI:-tongdui}" token --role "$1" --sub "$2" "${@:3}" 2>/dev/null
}
OPERATOR=$(token operator op-1)
SHANGHAI=$(token provincial_officer province-31 --region 31)
JIANGSU=$(token provincial_officer province-32 --region 32)
QINGPU=$(token regional_officer officer-1 --region $REGION)
APPROVER=$(token regional_officer officer-2 --region $REGION)
PAYER=$(token agent agent-1 --member-of $AGENT)
CENTRE_OFFICER=$(token centre centre-1 --member-of $CENTRE)
COMPANY=$(token enterprise company-1 --uscc $ENTERPRISE)
LABORATORY=$(token provider laboratory-1 --uscc $PROVIDER)
AUDITOR=$(token auditor auditor-1)

post() { # token url body
  local answer
  answer=$(curl -sS -w '\n%{http_code}' -X POST "$2" -H "Authorization: Bearer $1" -H "Idempotency-Key: $(uuid)" \
    -H 'Content-Type: application/json' -d "$3")
  if [ "${answer##*$'\n'}" != 200 ]; then echo "POST $2: $answer" >&2; return 1; fi
}
until_posted() { # until what the step needs has arrived over the bus
  for _ in $(seq 150); do post "$@" 2>/dev/null && return 0; sleep 0.1; done
  post "$@"
}
day() { post "$OPERATOR" "$REGISTRY/registry/v1/days" "{\"date\":\"$1\"}"; }
arrived() { # until every service has applied what the registry has recorded, and nothing waits
  local head said
  for _ in $(seq 300); do
    head=$(curl -sS "$REGISTRY/registry/v1/progress" | grep -o '"head":[0-9]*' | cut -d: -f2)
    said=$(curl -sS "$VOUCHER/voucher/v1/progress"; curl -sS "$SETTLEMENT/settlement/v1/progress"; curl -sS "$AUDIT/audit/v1/progress")
    [ "$(grep -o "\"registry\":$head[,}]" <<<"$said" | wc -l)" = 3 ] && [ "$(grep -o '"waiting":0' <<<"$said" | wc -l)" = 3 ] && return 0
    sleep 0.1
  done
  echo "the services did not catch up with the registry at $head: $said" >&2
  return 1
}

day 2025-03-03
post "$SHANGHAI" "$REGISTRY/registry/v1/regions" \
  "{\"region\":\"$REGION\",\"name\":\"青浦区\",\"prefixes\":[\"$REGION\"],\"joins_on\":\"2025-03-03\"}"
post "$QINGPU" "$REGISTRY/registry/v1/regions/$REGION/policies" "{
  \"effective_on\":\"2025-03-03\",\"basis\":{\"scope\":\"notice\",\"applicants\":\"notice\",\"amounts\":\"notice\",\"payment\":\"notice\"},
  \"source_document\":\"示例细则\",\"text_sha256\":\"$SHA\",
  \"terms\":{\"modes\":[\"tongdui\"],\"ratio_bp\":{\"testing\":3000},\"allocation_cap_fen\":10000000,\"enterprise_year_cap_fen\":30000000,
  \"region_year_budget_fen\":100000000,\"quota_year_basis\":\"allocation\",\"budget_year_basis\":\"allocation\",\"rounding\":\"fen\",
  \"amount_basis\":\"tax_inclusive\",\"partial_allocation\":true,\"use_by_days\":30,\"redeem_by_days\":90,\"notice_calendar_days\":1,
  \"notice_working_days\":1,\"mending_days\":10,\"review_days\":10,\"appeal_days\":10,\"answer_days\":5,\"window\":\"month\",
  \"year_end\":\"carry_over\",\"precheck\":false,\"regional_review\":false,\"centre_allocates\":true,
  \"channel\":{\"tongyong\":\"treasury\",\"tongdui\":\"agent\"},\"offset_allowed\":false,\"clawback_restores_quota\":false,
  \"related_parties\":\"flag\",\"local_support_counts\":false}}"
post "$QINGPU" "$REGISTRY/registry/v1/regions/$REGION/centres" \
  "{\"centre_id\":\"$CENTRE\",\"name\":\"青浦管理中心\",\"scope\":[\"review\",\"allocate\"],\"from_on\":\"2025-03-03\"}"
post "$SHANGHAI" "$REGISTRY/registry/v1/catalogues" \
  '{"year":2025,"items":[{"code":"T01","name":"材料成分分析","category":"testing","exclusions":[]}]}'
post "$LABORATORY" "$REGISTRY/registry/v1/providers" "{\"uscc\":\"$PROVIDER\",\"name\":\"吴江示例实验室\",\"province\":\"32\",
  \"legal_form\":\"public_institution\",\"established_on\":\"2015-06-01\",\"categories\":[\"testing\"]}"
post "$LABORATORY" "$REGISTRY/registry/v1/providers/$PROVIDER/services" \
  '{"item_code":"T01","name":"材料成分分析","price_fen":100000,"unit":"次"}'
post "$JIANGSU" "$REGISTRY/registry/v1/providers/$PROVIDER/recommendation" \
  '{"attested":["capacity_certificates","qualified_staff","service_norms","clean_credit"]}'
post "$JIANGSU" "$REGISTRY/registry/v1/notices" "{\"notice_id\":\"$(uuid)\",\"province\":\"32\",\"usccs\":[\"$PROVIDER\"]}"
post "$COMPANY" "$REGISTRY/registry/v1/enterprises" "{\"uscc\":\"$ENTERPRISE\",\"name\":\"青浦示例科技有限公司\",
  \"division_code\":\"$REGION\",\"legal_form\":\"limited_company\",\"registered_on\":\"2019-05-06\"}"
post "$COMPANY" "$REGISTRY/registry/v1/enterprises/$ENTERPRISE/qualification" \
  '{"basis":"sme_number","year":2025,"sme_number":"202531011800000001"}'
for d in 04 05 06 07 08 09 10; do day 2025-03-$d; arrived; done

post_application() { until_posted "$COMPANY" "$VOUCHER/voucher/v1/vouchers" \
  "{\"voucher_id\":\"$V\",\"provider_uscc\":\"$PROVIDER\",\"mode\":\"tongdui\",\"purpose\":\"材料检测\"}"; }
for _ in $(seq 150); do # the laboratory is listed in the morning of the 10th; the voucher service hears of it
  curl -sS "$REGISTRY/registry/v1/providers/$PROVIDER" | grep -q '"listed"' && break; sleep 0.1
done
arrived
post_application
until_posted "$LABORATORY" "$VOUCHER/voucher/v1/vouchers/$V/contract" "{\"contract_no\":\"YX-1\",\"signed_on\":\"2025-03-10\",
  \"document_sha256\":\"$SHA\",\"lines\":[{\"line_no\":1,\"item_code\":\"T01\",\"category\":\"testing\",\"description\":\"检测\",
  \"amount_fen\":10000000,\"tax_bp\":600}]}"
post "$COMPANY" "$VOUCHER/voucher/v1/vouchers/$V/contract/acknowledge" '{}'
post "$CENTRE_OFFICER" "$VOUCHER/voucher/v1/vouchers/$V/allocation" '{}'
post "$COMPANY" "$VOUCHER/voucher/v1/vouchers/$V/tender" '{}'
post "$LABORATORY" "$VOUCHER/voucher/v1/vouchers/$V/collect" '{}'
until_posted "$LABORATORY" "$SETTLEMENT/settlement/v1/accounts/$PROVIDER" \
  '{"account_number":"6200000000000088","bank_code":"102290002916"}'
post "$QINGPU" "$SETTLEMENT/settlement/v1/accounts/$PROVIDER/confirm" "{\"region\":\"$REGION\"}"
post "$OPERATOR" "$SETTLEMENT/settlement/v1/agents" "{\"agent_id\":\"$AGENT\",\"name\":\"示例清算有限公司\",
  \"regions\":[\"$REGION\"],\"from_on\":\"2025-03-10\"}"
until_posted "$LABORATORY" "$SETTLEMENT/settlement/v1/redemptions" "{\"redemption_id\":\"$R\",\"voucher_id\":\"$V\",
  \"claimed_fen\":3000000,\"lines\":[{\"line_no\":1,\"performed_fen\":10000000,\"invoiced_fen\":10000000}],
  \"invoices\":[{\"number\":\"25000000000000000001\",\"issued_on\":\"2025-03-10\",\"buyer_uscc\":\"$ENTERPRISE\",
  \"seller_uscc\":\"$PROVIDER\",\"total_fen\":10000000,\"allotted_fen\":10000000}],
  \"receipts\":[{\"payer_uscc\":\"$ENTERPRISE\",\"payee_uscc\":\"$PROVIDER\",\"amount_fen\":7000000,\"paid_on\":\"2025-03-10\",
  \"reference\":\"2025-0001\"}],\"documents\":[{\"kind\":\"contract\",\"size_bytes\":1,\"sha256\":\"$SHA\"},
  {\"kind\":\"receipt\",\"size_bytes\":1,\"sha256\":\"$SHA\"},{\"kind\":\"invoice\",\"size_bytes\":1,\"sha256\":\"$SHA\"},
  {\"kind\":\"result\",\"size_bytes\":1,\"sha256\":\"$SHA\"}]}"
until_posted "$CENTRE_OFFICER" "$SETTLEMENT/settlement/v1/redemptions/$R/review" '{}'
post "$APPROVER" "$SETTLEMENT/settlement/v1/redemptions/$R/approve" '{}'
post "$QINGPU" "$SETTLEMENT/settlement/v1/notices" "{\"notice_id\":\"$(uuid)\",\"region\":\"$REGION\",\"redemption_ids\":[\"$R\"]}"
day 2025-03-11; arrived
for _ in $(seq 150); do
  P=$(curl -sS "$SETTLEMENT/settlement/v1/payouts?state=scheduled" -H "Authorization: Bearer $PAYER" |
    grep -o '"payout_id":"[^"]*"' | head -1 | cut -d'"' -f4) || true
  [ -n "$P" ] && break; sleep 0.1
done
B=$(uuid)
post "$PAYER" "$SETTLEMENT/settlement/v1/batches" "{\"batch_id\":\"$B\",\"payer\":\"$AGENT\",\"channel\":\"agent\"}"
post "$PAYER" "$SETTLEMENT/settlement/v1/batches/$B/release" "{\"payout_ids\":[\"$P\"]}"
day 2025-03-12
for _ in $(seq 200); do
  STORY=$(curl -sS "$AUDIT/audit/v1/cases/$V" -H "Authorization: Bearer $AUDITOR" | grep -o '"type":"[A-Za-z]*"' | cut -d'"' -f4)
  grep -q VoucherRedeemed <<<"$STORY" && { echo "$STORY"; exit 0; }
  sleep 0.1
done
echo "the voucher was not redeemed: $STORY" >&2
exit 1
