#!/usr/bin/env bash
# Links between nodes: make bench-link. Prints a table, writes
# build/bench/link.json.
#
# 1. Round trips and bytes. bin/bench_link runs two nodes in one process,
#    linked over loopback under mutual TLS. An actor of one asks an actor of
#    the other with 100 B envelopes, 1 and 64 on their way, and sends 1 MiB
#    envelopes (which go in chunks). It takes turns with a bare Asio TLS 1.3
#    connection of the same certificates, one blocking thread an end, a record
#    for each message. Medians of the rounds; ratios are those of a round.
# 2. Idle cost. 11 real nodes in a full mesh, so each has 10 peers; then their
#    run time as the scheduler counts it (/proc/PID/task/*/schedstat), of one
#    node on average, in percent of a core.
# 3. Silent cuts. Two real nodes in two network namespaces, a third one routes
#    between them. A cut makes it drop both ways without a word (blackhole
#    routes): nobody sees a reset, an ICMP message or a cable that is out.
#    `detected` is from before the cut to when the later of the two nodes says
#    that the link is down, `healed` from before the heal to when both say up,
#    by the nodes' own clock (`since` of /v1/links). The path is given a round
#    trip of 1 ms with injected delays, which act on frames, not on TCP and TLS
#    handshakes. Cuts last 3 to 6 s, so that a heal falls anywhere between
#    two dials. Needs root and iproute2; without, it is left out.
#
#   ROUNDS, MILLISECONDS   of 1. (5 rounds of 2 s each way)
#   IDLE_SECONDS           of 2. (30)
#   CUTS                   of 3. (20)
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${CHEOPS_BIN:-build/bin}
out=${OUT:-build/bench/link.json}
rounds=${ROUNDS:-5}
milliseconds=${MILLISECONDS:-2000}
idle_seconds=${IDLE_SECONDS:-30}
cuts=${CUTS:-20}
mesh=11

fail() {
  echo "bench/link.sh: $*" >&2
  exit 1
}
for program in cheops cheopsd bench_link; do
  [[ -x $bin/$program ]] || fail "$bin/$program is missing: make bench-link"
done
command -v curl >/dev/null || fail "curl is missing: make setup-bench"

work=$(mktemp -d)
spaces=()
pids=()
end_nodes() {
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  ((${#pids[@]} == 0)) || wait "${pids[@]}" 2>/dev/null || true
  pids=()
}
# shellcheck disable=SC2317 # Called by the trap.
clean_up() {
  end_nodes
  local space
  for space in "${spaces[@]}"; do
    ip netns del "$space" || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'fail "stopped by a signal"' INT TERM
mkdir -p "$(dirname "$out")"

figures=()
figure() { # KEY VALUE
  figures+=("\"$1\": $2")
  printf '%-28s %12s\n' "$1" "$2"
}

"$bin/cheops" ca --ca-dir "$work/ca" init >/dev/null
for ((n = 1; n <= mesh; n++)); do
  "$bin/cheops" ca --ca-dir "$work/ca" issue "Site$n" --into "$work/Site$n" \
    >/dev/null
done

# -- nodes ---------------------------------------------------------------------

# Four ports for each node, below the ephemeral ones.
base=$((20000 + RANDOM % 10000))

# Writes the configuration of site N, at an address, that knows site 1 there.
configure() { # N ADDRESS ADDRESS-OF-SITE-1
  local port=$((base + $1 * 4))
  cat >"$work/site$1.yaml" <<YAML
site: Site$1
application: demo
data: data$1
threads: 1
experiments: true
fronts:
  - {service: ServiceA, listen: "127.0.0.1:$port", backend: "http://127.0.0.1:1"}
  - {service: ServiceB, listen: "127.0.0.1:$((port + 1))", backend: "http://127.0.0.1:1"}
peer_front: {listen: "$2:$((port + 2))"}
link: {listen: "$2:$((port + 3))"}
tls: {certificate: Site$1/site.crt, key: Site$1/site.key, ca: ca/ca.crt}
networks: ["127.0.0.0/8", "10.79.0.0/16"]
admin: {unix: admin$1.sock}
YAML
  (($1 == 1)) || cat >>"$work/site$1.yaml" <<YAML
peers:
  - {site: Site1, link: "$3:$((base + 7))"}
YAML
}

start() { # N [COMMAND…]
  local n=$1
  shift
  "$@" "$bin/cheopsd" --config "$work/site$n.yaml" 2>"$work/node$n.log" &
  pids+=($!)
}

admin() { # N PATH [CURL'S OPTIONS…]
  curl -sf --unix-socket "$work/admin$1.sock" "http://node$2" "${@:3}"
}

count_of() { # N STATE: links of node N in that state
  { admin "$1" /v1/links || true; } | { grep -o "\"state\": *\"$2\"" || true; } |
    wc -l
}

await() { # N COUNT STATE
  local try
  for ((try = 0; try < 600; try++)); do
    (($(count_of "$1" "$3") != $2)) || return 0
    sleep 0.05
  done
  tail -n 5 "$work"/node*.log >&2
  fail "site $1 does not have $2 links that are $3"
}

# -- 1. round trips and bytes --------------------------------------------------

while read -r key value; do
  figure "$key" "$value"
done < <("$bin/bench_link" "$work" "$rounds" "$milliseconds")
((${#figures[@]} > 0)) || fail "bench_link gave no figures"

# -- 2. idle cost --------------------------------------------------------------

run_time() { # Nanoseconds that all nodes have run.
  local pid
  for pid in "${pids[@]}"; do
    cat /proc/"$pid"/task/*/schedstat
  done | awk '{sum += $1} END {printf "%.0f", sum}'
}

for ((n = 1; n <= mesh; n++)); do
  configure "$n" 127.0.0.1 127.0.0.1
  start "$n"
done
for ((n = 1; n <= mesh; n++)); do
  await "$n" $((mesh - 1)) up
done
sleep 3 # What a new mesh tells itself has been told.
before=$(run_time)
sleep "$idle_seconds"
after=$(run_time)
figure idle_cpu_percent_10_peers "$(awk -v ns=$((after - before)) \
  -v s="$idle_seconds" -v nodes=$mesh \
  'BEGIN {printf "%.3f", ns / 1e7 / s / nodes}')"
end_nodes

# -- 3. silent cuts ------------------------------------------------------------

route() { # add|del: drops what goes to either site, or no longer.
  ip -n "$router" -batch - <<BATCH
route $1 blackhole 10.79.1.2/32
route $1 blackhole 10.79.2.2/32
BATCH
}

network() { # Two namespaces that a third routes between.
  router=cheops-bench-$$-router
  local i space
  for space in "$router" "cheops-bench-$$-1" "cheops-bench-$$-2"; do
    ip netns add "$space"
    spaces+=("$space")
    ip -n "$space" link set lo up
  done
  ip netns exec "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  for i in 1 2; do
    space=cheops-bench-$$-$i
    ip -n "$router" link add "to$i" type veth peer name eth0 netns "$space"
    ip -n "$router" addr add "10.79.$i.1/24" dev "to$i"
    ip -n "$router" link set "to$i" up
    ip -n "$space" addr add "10.79.$i.2/24" dev eth0
    ip -n "$space" link set eth0 up
    ip -n "$space" route add default via "10.79.$i.1"
  done
}

# Seconds from a time to the later of the nodes' `since`.
later() { # TIME
  local n since last=0
  for n in 1 2; do
    since=$(admin $n /v1/links | sed -E 's/.*"since": *"([^"]+)".*/\1/')
    since=$(date -d "$since" +%s.%N)
    last=$(awk -v a="$last" -v b="$since" 'BEGIN {printf "%f", (a > b ? a : b)}')
  done
  awk -v a="$1" -v b="$last" 'BEGIN {printf "%.3f", b - a}'
}

spread() { # KEY VALUES…: median and worst
  local key=$1 sorted
  shift
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  figure "${key}_s" "${sorted[$((${#sorted[@]} / 2))]}"
  figure "${key}_worst_s" "${sorted[-1]}"
}

silent_cuts() {
  local n i began detected=() healed=()
  network
  for n in 1 2; do
    rm -rf "$work/data$n"
    configure $n "10.79.$n.2" 10.79.1.2
    start $n ip netns exec "cheops-bench-$$-$n"
  done
  for n in 1 2; do
    await $n 1 up
    admin $n /v1/faults -o /dev/null -X PUT \
      -H 'Content-Type: application/json' --data "{\"faults\": [
      {\"peer\": \"Site$((3 - n))\", \"direction\": \"out\", \"delay\": \"500us\"}]}"
  done
  sleep 2
  for ((i = 0; i < cuts; i++)); do
    began=$EPOCHREALTIME
    route add
    await 1 1 down
    await 2 1 down
    detected+=("$(later "$began")")
    sleep "$((RANDOM % 3)).$((RANDOM % 10))"
    began=$EPOCHREALTIME
    route del
    await 1 1 up
    await 2 1 up
    healed+=("$(later "$began")")
    sleep 0.$((RANDOM % 10))
  done
  spread cut_detected "${detected[@]}"
  spread cut_healed "${healed[@]}"
}

if ((EUID == 0)) && command -v ip >/dev/null; then
  silent_cuts
else
  echo "silent cuts are left out: they need root and iproute2" >&2
fi

{
  printf '{\n  %s' "${figures[0]}"
  printf ',\n  %s' "${figures[@]:1}"
  printf '\n}\n'
} >"$out"
echo "$out"
