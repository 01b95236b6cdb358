"""The measured paths, in the order of the table. A new one is a module and a line here."""

from __future__ import annotations

from benchmarks.paths import allocation, bank, ceilings, http, inbox, latency, overload, proof, rebuild, relay, replay

PATHS = {
    "allocation": allocation.figures,
    "ceilings": ceilings.figures,
    "http": http.figures,
    "relay": relay.figures,
    "inbox": inbox.figures,
    "rebuild": rebuild.figures,
    "replay": replay.figures,
    "proof": proof.figures,
    "bank": bank.figures,
    "latency": latency.figures,
    "overload": overload.figures,
}
