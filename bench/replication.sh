#!/usr/bin/env bash
# Replicated writes: make bench-replication. Prints tables, writes
# build/bench/replication.json.
#
# 1. Beside etcd. Three nodes of ours and three members of etcd on this
#    machine, their folders side by side on one disk, each write synced.
#    Clients put values of 1 KB, each its own resource (key), one after the
#    other, over HTTP/1.1 (etcd: its JSON gateway), and take turns at the three
#    members. `decided`: answered when the sites have agreed, the consensus
#    alone, which is what etcd does; `done`: answered when the application of
#    the site that was asked, one that answers at once, has done it too. They
#    take turns in rounds; a figure is the median of the rounds, a ratio that
#    of each round's ratios.
# 2. Commit latency of one client with 25 ms added to each frame between
#    nodes: p50, against 50 ms and one fdatasync of 1 KB.
# 3. Convergence: one site is cut off while the others decide 10,000 changes
#    of 1,000 resources; operations/s from the heal, the new link included,
#    until that site has done all of them.
# 4. 100,000 idle replicants of three sites: resident memory of the worst node
#    above that of itself without any, its CPU while nothing happens, and the
#    time from its start after a kill -9 until it serves with all of them.
#
#   PARTS                  which of them ("1 2 3 4")
#   ROUNDS, MILLISECONDS   of 1. (3 rounds of 3 s)
#   CLIENTS                of 1. ("1 16 64 256")
#   OPERATIONS             of 3. (10000)
#   REPLICANTS             of 4. (100000)
#   IDLE_SECONDS           of 4. (20)
set -euo pipefail
cd "$(dirname "$0")/.."

bench=${CHEOPS_BIN:-build/bin}/bench_replication
out=${OUT:-build/bench/replication.json}
parts=${PARTS:-1 2 3 4}
rounds=${ROUNDS:-3}
milliseconds=${MILLISECONDS:-3000}
read -ra clients <<<"${CLIENTS:-1 16 64 256}"
operations=${OPERATIONS:-10000}
replicants=${REPLICANTS:-100000}
idle_seconds=${IDLE_SECONDS:-20}

fail() {
  echo "bench/replication.sh: $*" >&2
  exit 1
}
[[ -x $bench ]] || fail "$bench is missing: make bench-replication"
for tool in etcd curl; do
  command -v "$tool" >/dev/null || fail "$tool is missing: make setup-bench"
done
mkdir -p "$(dirname "$out")"
# Not below /tmp: that may be memory, and a sync would cost nothing.
work=$(mktemp -d -p "$(dirname "$out")")

declare -A pids=()
stop() { # NAME…
  local name
  for name in "$@"; do
    [[ -n ${pids[$name]-} ]] || continue
    kill "${signal:--TERM}" "${pids[$name]}" 2>/dev/null || true
    wait "${pids[$name]}" 2>/dev/null || true
    unset "pids[$name]"
  done
}
# shellcheck disable=SC2317 # Called by the trap.
clean_up() {
  stop "${!pids[@]}"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'fail "stopped by a signal"' INT TERM
ulimit -n 16384 2>/dev/null || true

figures=()
figure() { # KEY VALUE
  figures+=("\"$1\": $2")
  printf '%-32s %12s\n' "$1" "$2"
}
ratio() { # A B
  awk -v a="$1" -v b="$2" 'BEGIN {printf "%.3f", (b == 0 ? 0 : a / b)}'
}
median() { # VALUES…
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo "${sorted[$((${#sorted[@]} / 2))]}"
}

# -- the members ---------------------------------------------------------------

# Below the ephemeral ports: 12 for us, 6 for etcd.
base=$((20000 + RANDOM % 10000))
link() { echo $((base + $1)); }
front() { echo $((base + 4 + $1)); }
etcd_client() { echo $((base + 8 + $1)); }
etcd_peer() { echo $((base + 12 + $1)); }
fronts=("$(front 1)" "$(front 2)" "$(front 3)")
etcd_fronts=("$(etcd_client 1)" "$(etcd_client 2)" "$(etcd_client 3)")

node() { # N FOLDER DELAY-US
  local n=$1 m peers=()
  for m in 1 2 3; do
    ((m == n)) || peers+=("Site$m" "$(link "$m")")
  done
  "$bench" node "Site$n" "$work/$2$n" "$(link "$n")" "$(front "$n")" "$3" \
    "${peers[@]}" >>"$work/node$n.log" 2>&1 &
  pids[node$n]=$!
}

counter() { # N KEY
  { curl -sf "http://127.0.0.1:$(front "$1")/counters" || true; } |
    awk -v key="$2" '$1 == key {print $2}'
}

await() { # N KEY VALUE
  local try
  for ((try = 0; try < 6000; try++)); do
    [[ $(counter "$1" "$2") != "$3" ]] || return 0
    sleep 0.05
  done
  tail -n 5 "$work"/node*.log >&2
  fail "node $1: $2 is $(counter "$1" "$2"), not $3"
}

nodes() { # FOLDER DELAY-US
  local n
  for n in 1 2 3; do
    node "$n" "$1" "$2"
  done
  for n in 1 2 3; do
    await "$n" linked 2
  done
}

etcds() {
  local n cluster try
  cluster="e1=http://127.0.0.1:$(etcd_peer 1)"
  for n in 2 3; do
    cluster+=",e$n=http://127.0.0.1:$(etcd_peer "$n")"
  done
  for n in 1 2 3; do
    etcd --name "e$n" --data-dir "$work/etcd$n" --logger zap \
      --log-level error --initial-cluster "$cluster" \
      --initial-cluster-state new \
      --listen-peer-urls "http://127.0.0.1:$(etcd_peer "$n")" \
      --initial-advertise-peer-urls "http://127.0.0.1:$(etcd_peer "$n")" \
      --listen-client-urls "http://127.0.0.1:$(etcd_client "$n")" \
      --advertise-client-urls "http://127.0.0.1:$(etcd_client "$n")" \
      2>>"$work/etcd$n.log" &
    pids[etcd$n]=$!
  done
  for n in 1 2 3; do
    for ((try = 0; try < 400; try++)); do
      if curl -sf "http://127.0.0.1:$(etcd_client "$n")/health" |
        grep -q true; then
        continue 2
      fi
      sleep 0.05
    done
    tail -n 5 "$work/etcd$n.log" >&2
    fail "etcd $n is not healthy"
  done
}

# -- 1. beside etcd ------------------------------------------------------------

load() { # etcd|decided|done CLIENTS [MILLISECONDS]
  local to=("${fronts[@]}")
  [[ $1 != etcd ]] || to=("${etcd_fronts[@]}")
  "$bench" load "$1" "$2" "${3:-$milliseconds}" "${to[@]}"
}

beside_etcd() {
  local round n what per p50 p99 failed key
  declare -A writes=() halves=() tails=() ratios=() p50_ratios=()
  nodes compared 0
  etcds
  for n in "${clients[@]}"; do
    for ((round = 0; round < rounds; round++)); do
      for what in etcd decided 'done'; do
        read -r per p50 p99 failed < <(load $what "$n")
        [[ -n ${failed-} ]] || fail "no figures of $what with $n clients"
        ((failed == 0)) ||
          echo "$what with $n clients: $failed writes failed" >&2
        key=$what.$n
        writes[$key]+="$per "
        halves[$key]+="$p50 "
        tails[$key]+="$p99 "
        if [[ $what == etcd ]]; then
          local etcd_per=$per etcd_p50=$p50
        else
          ratios[$key]+="$(ratio "$per" "$etcd_per") "
          p50_ratios[$key]+="$(ratio "$p50" "$etcd_p50") "
        fi
      done
    done
  done
  printf '%8s %-8s %10s %10s %10s %10s\n' \
    clients '' writes/s 'p50 ms' 'p99 ms' 'vs etcd'
  for n in "${clients[@]}"; do
    for what in etcd decided 'done'; do
      key=$what.$n
      # Words on purpose.
      # shellcheck disable=SC2086
      printf '%8s %-8s %10s %10s %10s %10s\n' "$n" $what \
        "$(median ${writes[$key]})" "$(median ${halves[$key]})" \
        "$(median ${tails[$key]})" "$(median ${ratios[$key]-1})"
    done
  done
  for n in "${clients[@]}"; do
    for what in etcd decided 'done'; do
      # shellcheck disable=SC2086
      {
        figures+=("\"${what}_writes_$n\": $(median ${writes[$what.$n]})")
        figures+=("\"${what}_p50_ms_$n\": $(median ${halves[$what.$n]})")
        figures+=("\"${what}_p99_ms_$n\": $(median ${tails[$what.$n]})")
      }
    done
  done
  # shellcheck disable=SC2086
  {
    [[ -z ${ratios[decided.64]-} ]] || {
      figure writes_vs_etcd_64 "$(median ${ratios[decided.64]})"
      figure done_writes_vs_etcd_64 "$(median ${ratios[done.64]})"
    }
    [[ -z ${p50_ratios[decided.1]-} ]] || {
      figure p50_vs_etcd_1 "$(median ${p50_ratios[decided.1]})"
      figure done_p50_vs_etcd_1 "$(median ${p50_ratios[done.1]})"
    }
  }
  stop node1 node2 node3 etcd1 etcd2 etcd3
}

# -- 2. over a distance --------------------------------------------------------

over_a_distance() {
  local sync p50 rest
  sync=$("$bench" sync "$work")
  nodes distant 25000
  read -r _ p50 rest < <(load decided 1)
  [[ -n ${rest-} ]] || fail "no figures over a distance"
  figure sync_ms "$sync"
  figure commit_p50_ms_50ms "$p50"
  figure commit_vs_floor_50ms "$(ratio "$p50" "$(awk -v s="$sync" \
    'BEGIN {print 50 + s}')")"
  stop node1 node2 node3
}

# -- 3. convergence ------------------------------------------------------------

convergence() {
  local linked all
  nodes converging 0
  read -r linked all < <("$bench" converge "$operations" "${fronts[@]}")
  [[ -n ${all-} ]] || fail "the sites did not converge"
  figure converge_linked_s "$linked"
  figure converge_s "$all"
  figure converge_ops_s "$(awk -v n="$operations" -v s="$all" \
    'BEGIN {printf "%.0f", n / s}')"
  stop node1 node2 node3
}

# -- 4. idle replicants --------------------------------------------------------

resident() { # N: bytes
  awk '/^VmRSS:/ {print $2 * 1024}' "/proc/${pids[node$1]}/status"
}
run_time() { # N: nanoseconds that its threads have run
  cat /proc/"${pids[node$1]}"/task/*/schedstat |
    awk '{sum += $1} END {printf "%.0f", sum}'
}

idle() {
  local n before=() now began worst=0 used=0 x
  nodes idle 0
  sleep 2
  for n in 1 2 3; do
    before[n]=$(resident $n)
  done
  began=$EPOCHREALTIME
  "$bench" make "$replicants" 192 "${fronts[@]}"
  figure "create_per_s" "$(awk -v n="$replicants" -v a="$began" \
    -v b="$EPOCHREALTIME" 'BEGIN {printf "%.0f", n / (b - a)}')"
  for n in 1 2 3; do
    await $n replicants "$replicants"
    await $n awake 0
  done
  sleep 1
  for n in 1 2 3; do
    now[n]=$(run_time $n)
  done
  sleep "$idle_seconds"
  for n in 1 2 3; do
    x=$(($(run_time $n) - now[n]))
    ((x <= used)) || used=$x
    x=$(($(resident $n) - before[n]))
    ((x <= worst)) || worst=$x
  done
  figure idle_bytes_per_replicant "$((worst / replicants))"
  figure idle_resident_mb "$(awk -v n="$(resident 1)" \
    'BEGIN {printf "%.1f", n / 1e6}')"
  figure idle_cpu_percent "$(awk -v ns=$used -v s="$idle_seconds" \
    'BEGIN {printf "%.3f", ns / 1e7 / s}')"
  signal=-KILL stop node1
  began=$EPOCHREALTIME
  node 1 idle 0
  until (exec 3<>"/dev/tcp/127.0.0.1/$(front 1)") 2>/dev/null; do
    kill -0 "${pids[node1]}" || fail "the node does not start again"
    sleep 0.01
  done
  await 1 replicants "$replicants"
  # What it has run by then says more, where others use the machine too.
  figure restart_cpu_s "$(awk -v ns="$(run_time 1)" \
    'BEGIN {printf "%.3f", ns / 1e9}')"
  figure restart_100k_s "$(awk -v a="$began" -v b="$EPOCHREALTIME" \
    'BEGIN {printf "%.3f", b - a}')"
  await 1 linked 2
  await 1 awake 0
  figure restarted_resident_mb "$(awk -v n="$(resident 1)" \
    'BEGIN {printf "%.1f", n / 1e6}')"
  stop node1 node2 node3
}

for part in $parts; do
  case $part in
  1) beside_etcd ;;
  2) over_a_distance ;;
  3) convergence ;;
  4) idle ;;
  *) fail "no part $part" ;;
  esac
done

{
  printf '{\n  %s' "${figures[0]}"
  printf ',\n  %s' "${figures[@]:1}"
  printf '\n}\n'
} >"$out"
echo "$out"
