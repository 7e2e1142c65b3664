#!/usr/bin/env bash
# Installs Debian packages that are missing:
#   setup.sh build|test|bench|fuzz|lint|openstack|kubernetes
set -euo pipefail

build=(build-essential cmake ninja-build ccache mold git ca-certificates
  libcaf-dev librocksdb-dev libboost1.81-dev libboost-url1.81-dev libspdlog-dev
  libyaml-cpp-dev libcli11-dev prometheus-cpp-dev libssl-dev libsystemd-dev)
testing=(libboost-test1.81-dev librapidcheck-dev curl openssl iproute2 procps
  netcat-openbsd)
bench=(libbenchmark-dev nginx-light haproxy wrk curl iproute2 etcd-server)
fuzz=(clang libclang-rt-14-dev)
lint=(clang clang-format clang-tidy shellcheck)
# No daemon of these is started by itself: testbed/openstack starts them.
openstack=(python3-keystone glance-common python3-glance nova-common
  python3-nova neutron-common python3-neutron placement-common
  python3-placement python3-openstackclient uwsgi-core uwsgi-plugin-python3)
# etcd, and what testbed/kubernetes/build.sh builds an API server with.
kubernetes=(etcd-server golang-1.19-go golang-github-modern-go-reflect2-dev
  dpkg-dev openssl ca-certificates)
command -v kubectl >/dev/null || kubernetes+=(kubernetes-client)

case "${1:-build}" in
build) want=("${build[@]}") ;;
test) want=("${testing[@]}") ;;
bench) want=("${bench[@]}") ;;
fuzz) want=("${fuzz[@]}") ;;
lint) want=("${lint[@]}") ;;
openstack) want=("${openstack[@]}") ;;
kubernetes) want=("${kubernetes[@]}") ;;
*)
  echo "setup.sh: build, test, bench, fuzz, lint, openstack or kubernetes, not '$1'" >&2
  exit 2
  ;;
esac

missing=()
for package in "${want[@]}"; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [[ $status == "install ok installed" ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

sudo=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || {
    echo "setup.sh: not root and no sudo; as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  sudo=(sudo)
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
  "${sudo[@]}" apt-get update &&
    "${sudo[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
