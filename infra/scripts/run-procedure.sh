#!/bin/sh
# run-procedure.sh <procedure> [options of `pointzero run`]
# Hands over to `pointzero run`, once this version can carry the procedure out. Until then it says so and exits with 2, before
# anything was contacted. Sourced by nobody; failover-region.sh and toggle-maintenance.sh call it.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
procedure=$1
shift

# The same question that a person would ask: can this version plan it, for the estate of the examples? Offline, no effect.
answer=$("$root/bin/pointzero" plan "$procedure" --json \
  --estate "$root/examples/exchange/estate.yaml" --facts "$root/examples/exchange/facts.json" 2>&1) || true
case $answer in
  *PROCEDURE_UNKNOWN*)
    printf '%s\n' \
      "error: $procedure is not built yet; this version of Pointzero can not do it, and nothing was done" \
      "  next: see docs/procedures/ for what can be run today, and your own runbook for this" >&2
    exit 2
    ;;
esac
exec "$root/bin/pointzero" run "$procedure" "$@"
