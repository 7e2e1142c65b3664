#!/usr/bin/env bash
# Runs each fuzz target for so many seconds: fuzz/run.sh SECONDS [TARGET…]
#
# Seeds lie in fuzz/corpus/NAME and are only read; what a run discovers is
# kept in build/fuzz/corpus/NAME for the next one. Inputs that crash, hang or
# leak go to build/fuzz/artifacts/, and the script then fails.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?seconds}
shift
targets=("$@")
if ((${#targets[@]} == 0)); then
  for binary in build/fuzz/bin/fuzz_*; do
    [[ -x $binary ]] && targets+=("${binary##*/fuzz_}")
  done
fi
((${#targets[@]})) || { echo "fuzz/run.sh: no fuzz target is built" >&2; exit 1; }

artifacts=build/fuzz/artifacts
mkdir -p "$artifacts"
failed=()
for name in "${targets[@]}"; do
  found=build/fuzz/corpus/$name
  mkdir -p "$found"
  corpora=("$found")
  [[ -d fuzz/corpus/$name ]] && corpora+=("fuzz/corpus/$name")
  dictionary=()
  [[ -f fuzz/$name.dict ]] && dictionary=("-dict=fuzz/$name.dict")
  log=build/fuzz/$name.log
  if "build/fuzz/bin/fuzz_$name" "-max_total_time=$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 "${dictionary[@]}" \
    "-artifact_prefix=$artifacts/$name-" "${corpora[@]}" >"$log" 2>&1; then
    runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
    printf 'fuzz %-14s %4s s %10s runs, nothing found\n' \
      "$name" "$seconds" "${runs:-0}"
  else
    failed+=("$name")
    tail -n 40 "$log" >&2
    printf 'fuzz %-14s FOUND something: see %s and %s/%s-*\n' \
      "$name" "$log" "$artifacts" "$name"
  fi
done
((${#failed[@]} == 0))
