#!/bin/sh
# failover-region.sh --target <region> [options of `pointzero run`]
# Fails the estate over to another region, when its active region is lost for good. Named by requirements/
# exchange-disaster-recovery-plan.md, section 3.2.
set -eu

usage() {
  printf '%s\n' "usage: failover-region.sh --target <region> [--context <file>] [--approve <plan hash>]" >&2
  exit 2
}

[ $# -ge 2 ] && [ "$1" = --target ] || usage
target=$2
case $target in
  '' | -* | *[!a-z0-9-]*) usage ;;
esac
shift 2

exec "$(dirname -- "$0")/run-procedure.sh" region-failover --param "target=$target" "$@"
