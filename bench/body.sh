#!/usr/bin/env bash
# A body of 10 GB through two nodes, down and up: how much memory each takes.
# Two sites on loopback over mutual TLS; the body comes from (and goes to) the
# demo application of Site2, asked for at Site1 with a scope.
# Prints a table and writes build/bench/body.json.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${CHEOPS_BIN:-build/bin}
bytes=${BODY_BYTES:-10737418240}
out=build/bench/body.json
work=$(mktemp -d)
pids=()
finish() {
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

"$bin/cheops" ca --ca-dir "$work/ca" init >/dev/null
site() { # NUMBER: starts an application and a node.
  local n=$1 base=$((21000 + $1 * 100)) other=$((21000 + (3 - $1) * 100))
  "$bin/cheops" ca --ca-dir "$work/ca" issue "Site$n" --into "$work/Site$n" \
    >/dev/null
  cat >"$work/site$n.yaml" <<EOF
site: Site$n
application: demo
data: data$n
threads: 1
fronts:
  - {service: ServiceA, listen: "127.0.0.1:$((base + 1))", backend: "http://127.0.0.1:$((base + 11))"}
  - {service: ServiceB, listen: "127.0.0.1:$((base + 2))", backend: "http://127.0.0.1:$((base + 12))"}
peer_front: {listen: "127.0.0.1:$((base + 3))"}
link: {listen: "127.0.0.1:$((base + 4))"}
tls: {certificate: Site$n/site.crt, key: Site$n/site.key, ca: ca/ca.crt}
peers:
  - {site: Site$((3 - n)), link: "127.0.0.1:$((other + 4))"}
default_allow:
  - {service: "*"}
admin: {unix: admin$n.sock}
EOF
  "$bin/cheops-demo-app" --name "Site$n" \
    --service-a "127.0.0.1:$((base + 11))" \
    --service-b "127.0.0.1:$((base + 12))" \
    --service-b-url "http://127.0.0.1:$((base + 2))" >"$work/app$n.log" 2>&1 &
  pids+=($!)
  "$bin/cheopsd" --config "$work/site$n.yaml" 2>"$work/node$n.log" &
  pids+=($!)
  node[n]=$!
}
node=()
site 1
site 2

link_up() {
  "$bin/cheops" get links --admin "$work/admin1.sock" -o json 2>/dev/null |
    grep -q '"state": *"up"'
}
for _ in $(seq 100); do
  link_up && break
  sleep 0.1
done
link_up || { cat "$work"/node*.log >&2; exit 1; }

rss() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; } # KiB
for i in 1 2; do idle[i]=$(rss "${node[i]}"); done

# Runs a command; sets peak1, peak2 (KiB) and seconds.
watched() {
  local start=$EPOCHREALTIME now
  peak1=0 peak2=0
  "$@" &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    now=$(rss "${node[1]}")
    ((now > peak1)) && peak1=$now
    now=$(rss "${node[2]}")
    ((now > peak2)) && peak2=$now
    sleep 0.1
  done
  wait "$pid"
  seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')
}

scope='{ServiceB: Site2}'
url=http://127.0.0.1:21102
down() { curl -sSf -H "Scope: $scope" -o /dev/null "$url/blobs/$bytes"; }
up() {
  head -c "$bytes" /dev/zero |
    curl -sSf -H "Scope: $scope" -H 'Expect:' -T - -o "$work/answer" \
      "$url/blobs"
}

mkdir -p build/bench
fields=()
printf '%-6s %10s %14s %14s\n' way MB/s 'Site1 +MiB' 'Site2 +MiB'
for way in down up; do
  watched "$way"
  rate=$(awk -v b="$bytes" -v s="$seconds" 'BEGIN {printf "%.0f", b / s / 1e6}')
  over1=$(awk -v p="$peak1" -v i="${idle[1]}" 'BEGIN {printf "%.1f", (p - i) / 1024}')
  over2=$(awk -v p="$peak2" -v i="${idle[2]}" 'BEGIN {printf "%.1f", (p - i) / 1024}')
  printf '%-6s %10s %14s %14s\n' "$way" "$rate" "$over1" "$over2"
  fields+=("\"${way}_mb_per_s\": $rate" "\"${way}_site1_mib_over_idle\": $over1"
    "\"${way}_site2_mib_over_idle\": $over2")
done
{
  printf '{\n  "bytes": %s' "$bytes"
  printf ',\n  %s' "${fields[@]}"
  printf '\n}\n'
} >"$out"
echo "$out"
