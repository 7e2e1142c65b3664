#!/usr/bin/env bash
# The data plane beside nginx and HAProxy: make bench-proxy.
#
# One upstream (nginx), one load generator (wrk, one thread), one worker
# thread for each proxy; the proxy has the first core, wrk and the upstream
# share the second. For each size and number of connections the proxies take
# turns (one that waits costs next to nothing), in rounds; a figure is the
# median of the rounds, a ratio the median of each round's ratio. Prints a
# table and writes build/bench/proxy.json. On a machine that others use too,
# look at the CPU per request first.
#
#   ROUNDS, SECONDS_EACH   how often, how long (5 rounds of 3 s)
#   PROXIES, SIZES, CONNECTIONS   what to run
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-3}
read -ra proxies <<<"${PROXIES:-direct nginx haproxy cheopsd cheopsd-scoped}"
read -ra sizes <<<"${SIZES:-100 65536}"
read -ra connections <<<"${CONNECTIONS:-1 64 512}"
cheopsd=${CHEOPSD:-build/bin/cheopsd}
out=${OUT:-build/bench/proxy.json}

fail() {
  echo "bench/proxy.sh: $*" >&2
  exit 1
}

for tool in nginx haproxy wrk taskset curl; do
  command -v "$tool" >/dev/null || PATH+=:/usr/sbin
  command -v "$tool" >/dev/null || fail "$tool is missing: make setup-bench"
done
if [[ " ${proxies[*]} " == *" cheopsd"* && ! -x $cheopsd ]]; then
  fail "$cheopsd is missing: make build"
fi
(($(nproc) >= 2)) || fail "two cores are needed: one for the proxy, one for load"
((seconds >= 1 && rounds >= 1)) || fail "ROUNDS and SECONDS_EACH are at least 1"
proxy_core=0
load_core=1

work=$(mktemp -d)
upstream_pid=
declare -A pids=() ports=()
# shellcheck disable=SC2317 # Called by the trap.
clean_up() {
  stop_all
  [[ -z $upstream_pid ]] || kill "$upstream_pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
stop_all() {
  local pid
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  pids=()
}
trap clean_up EXIT
trap 'fail "stopped by a signal"' INT TERM
trap 'echo "bench/proxy.sh: line $LINENO: $BASH_COMMAND failed" >&2' ERR
mkdir -p "$work"/{www,nginx,upstream,node} "$(dirname "$out")"
chmod 755 "$work"
ulimit -n 16384 2>/dev/null || true

# Four ports that nobody listens on, below the ephemeral ones.
base=$((20000 + RANDOM % 10000))
for ((tries = 0; tries < 100; tries++)); do
  taken=0
  for ((i = 0; i < 4; i++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$((base + i))") 2>/dev/null; then
      taken=1
    fi
  done
  ((taken)) || break
  base=$((20000 + RANDOM % 10000))
done
upstream_port=$base
nginx_port=$((base + 1))
haproxy_port=$((base + 2))
cheopsd_port=$((base + 3))

for size in "${sizes[@]}"; do
  head -c "$size" /dev/zero | tr '\0' x >"$work/www/$size"
done

# -- what runs -----------------------------------------------------------------

# Common to both nginx: in front, one worker, nothing written per request.
nginx_head() {
  cat <<EOF
daemon off;
master_process off;
pid $work/$1/pid;
error_log $work/$1/error.log;
worker_rlimit_nofile 16384;
events { worker_connections 4096; multi_accept on; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  sendfile on;
  tcp_nodelay on;
  client_body_temp_path $work/$1/body;
  proxy_temp_path $work/$1/proxy;
  fastcgi_temp_path $work/$1/fastcgi;
  scgi_temp_path $work/$1/scgi;
  uwsgi_temp_path $work/$1/uwsgi;
EOF
}

{
  nginx_head upstream
  cat <<EOF
  open_file_cache max=10;
  server {
    listen 127.0.0.1:$upstream_port backlog=2048;
    root $work/www;
  }
}
EOF
} >"$work/upstream.conf"

{
  nginx_head nginx
  cat <<EOF
  upstream app {
    server 127.0.0.1:$upstream_port;
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:$nginx_port backlog=2048;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
EOF
} >"$work/nginx.conf"

cat >"$work/haproxy.cfg" <<EOF
global
  maxconn 4096
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:$haproxy_port backlog 2048
  default_backend app
backend app
  server app 127.0.0.1:$upstream_port
EOF

cat >"$work/app.yaml" <<EOF
application: bench
services:
  - name: app
    resources:
      - kind: file
        id: /id
        operations:
          read: GET /{id}
errors: problem
EOF
cat >"$work/site.yaml" <<EOF
site: Bench
application: app.yaml
data: node
threads: 1
fronts:
  - service: app
    listen: 127.0.0.1:$cheopsd_port
    backend: http://127.0.0.1:$upstream_port
log:
  level: warn
EOF

# start NAME: starts a proxy on its core; sets its port, and its pid.
start() {
  local run=() name=${1%-scoped}
  case $name in
  direct)
    ports[$1]=$upstream_port
    return
    ;;
  nginx)
    ports[$1]=$nginx_port
    run=(nginx -p "$work/nginx" -c "$work/nginx.conf")
    ;;
  haproxy)
    ports[$1]=$haproxy_port
    run=(haproxy -f "$work/haproxy.cfg")
    ;;
  cheopsd)
    ports[$1]=$cheopsd_port
    run=("$cheopsd" --config "$work/site.yaml")
    ;;
  *) fail "unknown proxy $1" ;;
  esac
  if [[ -z ${pids[$name]:-} ]]; then
    taskset -c $proxy_core "${run[@]}" >"$work/$1.log" 2>&1 &
    pids[$name]=$!
  fi
  wait_for "$1" "${ports[$1]}"
}

wait_for() {
  local i
  for ((i = 0; i < 100; i++)); do
    if curl -fsS -o "$work/got" "http://127.0.0.1:$2/${sizes[0]}" 2>/dev/null
    then
      cmp -s "$work/got" "$work/www/${sizes[0]}" ||
        fail "$1 answers another body"
      return
    fi
    sleep 0.1
  done
  cat "$work/$1.log" >&2 || true
  fail "$1 does not answer on port $2"
}

# User and system time of a process so far, in microseconds.
cpu_us() {
  [[ -n $1 ]] || { echo 0; return; }
  local stat
  stat=$(<"/proc/$1/stat")
  read -ra fields <<<"${stat##*) }"
  echo $(((fields[11] + fields[12]) * 1000000 / $(getconf CLK_TCK)))
}

rss_kb() {
  [[ -n $1 ]] || { echo 0; return; }
  awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

# One run of wrk: appends "round proxy size connections rps p50 p99 cpu rss
# errors" (times in microseconds) to the rows.
measure() {
  local proxy=$1 size=$2 count=$3 round=$4 extra=() before after
  local pid=${pids[${1%-scoped}]:-}
  [[ $proxy != *-scoped ]] || extra=(-H "Scope: { app: Bench }")
  [[ $proxy == direct || -d /proc/$pid ]] ||
    fail "$proxy has ended: $(tail -3 "$work/${proxy%-scoped}.log")"
  before=$(cpu_us "$pid")
  taskset -c $load_core wrk -t1 -c"$count" -d"${seconds}s" --latency \
    "${extra[@]}" "http://127.0.0.1:${ports[$proxy]}/$size" >"$work/wrk" ||
    fail "wrk failed: $(<"$work/wrk")"
  after=$(cpu_us "$pid")
  awk -v head="$round $proxy $size $count" -v cpu=$((after - before)) \
    -v rss="$(rss_kb "$pid")" '
    function us(x) {
      if (x ~ /us$/) return x + 0
      if (x ~ /ms$/) return x * 1000
      if (x ~ /m$/) return x * 60000000
      return x * 1000000
    }
    $1 == "50%" { p50 = us($2) }
    $1 == "99%" { p99 = us($2) }
    $2 == "requests" && $3 == "in" { requests = $1 }
    $1 == "Requests/sec:" { rps = $2 }
    $1 == "Socket" { gsub(",", ""); errors += $4 + $6 + $8 + $10 }
    $1 == "Non-2xx" { errors += $NF }
    END {
      if (requests == 0) exit 1
      printf "%s %.1f %.1f %.1f %.2f %d %d\n", head, rps, p50, p99,
        cpu / requests, rss, errors
    }' "$work/wrk" >>"$work/rows" || fail "no answers: $(<"$work/wrk")"
}

# -- the run -------------------------------------------------------------------

taskset -c $load_core nginx -p "$work/upstream" -c "$work/upstream.conf" \
  >"$work/upstream.log" 2>&1 &
upstream_pid=$!
wait_for upstream "$upstream_port"

for ((round = 1; round <= rounds; round++)); do
  for proxy in "${proxies[@]}"; do
    start "$proxy"
    taskset -c $load_core wrk -t1 -c64 -d1s \
      "http://127.0.0.1:${ports[$proxy]}/${sizes[0]}" >/dev/null # Warms up.
  done
  for size in "${sizes[@]}"; do
    for count in "${connections[@]}"; do
      for proxy in "${proxies[@]}"; do
        printf '\rround %d of %d: %6d bytes, %3d connections, %-15s' \
          "$round" "$rounds" "$size" "$count" "$proxy" >&2
        measure "$proxy" "$size" "$count" "$round"
      done
    done
  done
  stop_all
done
printf '\r%70s\r' '' >&2

# -- the figures ---------------------------------------------------------------

# shellcheck disable=SC2016 # awk's own variables.
awk -v json="$out" -v order="${proxies[*]}" -v size_list="${sizes[*]}" \
  -v connection_list="${connections[*]}" '
  function median(text,    values, n, i, j, x) {
    n = split(text, values, " ")
    for (i = 2; i <= n; i++) {
      x = values[i] + 0
      for (j = i - 1; j > 0 && values[j] + 0 > x; j--)
        values[j + 1] = values[j]
      values[j + 1] = x
    }
    if (n == 0) return ""
    if (n % 2) return values[(n + 1) / 2]
    return (values[n / 2] + values[n / 2 + 1]) / 2
  }
  # The median over the rounds of a figure of one proxy by that of another.
  function ratio(figure, one, other,    all, r) {
    for (r = 1; r <= rounds; r++)
      if (at[figure, r, other, 100, 64] > 0 && at[figure, r, one, 100, 64] > 0)
        all = all " " at[figure, r, one, 100, 64] / at[figure, r, other, 100, 64]
    return median(all)
  }
  function put(key, value) {
    if (value == "") return
    printf "%s  \"%s\": %.6g", (written++ ? ",\n" : ""), key, value > json
  }
  function show(key, value) {
    put(key, value)
    if (value != "") printf "%-24s %.2f\n", key, value
  }
  {
    rounds = $1
    for (i = 5; i <= 10; i++) {
      all[i, $2, $3, $4] = all[i, $2, $3, $4] " " $i
      at[i, $1, $2, $3, $4] = $i
    }
  }
  END {
    split("rps p50_us p99_us cpu_us rss_kb errors", names, " ")
    split(size_list, sizes, " ")
    split(connection_list, counts, " ")
    n = split(order, proxies, " ")
    printf "" > json
    print "{" > json
    printf "%-15s %6s %5s %10s %9s %9s %8s %8s %6s\n", "proxy", "bytes",
      "conns", "requests/s", "p50 us", "p99 us", "CPU us", "RSS KiB", "errors"
    for (s = 1; s in sizes; s++)
      for (c = 1; c in counts; c++)
        for (p = 1; p <= n; p++) {
          for (i = 5; i <= 10; i++) {
            x[i] = median(all[i, proxies[p], sizes[s], counts[c]])
            key = proxies[p] "_" sizes[s] "b_c" counts[c] "_" names[i - 4]
            gsub("-", "_", key)
            put(key, x[i])
          }
          printf "%-15s %6d %5d %10.0f %9.0f %9.0f %8.1f %8d %6d\n", proxies[p],
            sizes[s], counts[c], x[5], x[6], x[7], x[8], x[9], x[10]
        }
    print ""
    print "At 100 bytes and 64 connections (scoped: time of a request):"
    show("throughput_vs_haproxy", ratio(5, "cheopsd", "haproxy"))
    show("p99_vs_haproxy", ratio(7, "cheopsd", "haproxy"))
    show("throughput_vs_nginx", ratio(5, "cheopsd", "nginx"))
    show("scoped_vs_unscoped", ratio(5, "cheopsd", "cheopsd-scoped"))
    show("haproxy_vs_direct", ratio(5, "haproxy", "direct"))
    show("nginx_vs_direct", ratio(5, "nginx", "direct"))
    show("cheopsd_vs_direct", ratio(5, "cheopsd", "direct"))
    print "\n}" > json
  }' "$work/rows"
echo "Written to $out"
