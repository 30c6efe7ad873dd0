#!/bin/sh
# toggle-maintenance.sh --enable | --disable [options of `pointzero run`]
# Closes the gates that the estate names under `maintenance`, or opens them again. Named by requirements/
# exchange-disaster-recovery-plan.md, section 3.3.
set -eu

usage() {
  printf '%s\n' "usage: toggle-maintenance.sh --enable | --disable [--context <file>] [--approve <plan hash>]" >&2
  exit 2
}

[ $# -ge 1 ] || usage
case $1 in
  --enable) switch=on ;;
  --disable) switch=off ;;
  *) usage ;;
esac
shift

exec "$(dirname -- "$0")/run-procedure.sh" maintenance --param "switch=$switch" "$@"
