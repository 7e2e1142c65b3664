#!/usr/bin/env bash
# build.sh: lays kube-apiserver and etcd in $KUBEBUILDER_ASSETS, the folder that
# controller-runtime's envtest reads too (default:
# ~/.cache/cheops/kubernetes/bin). What lies there already is used as it is, so
# that a newer API server takes no more than a copy. Else Debian's own source
# package is built with Debian's Go: about 10 minutes of two cores, once.
#   JOBS  how many packages are compiled at once (default: 1)
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cheops/kubernetes
assets=${KUBEBUILDER_ASSETS:-$cache/bin}
work=$cache/src
jobs=${JOBS:-1}
# As gitVersion of the binary: the sources do not know their own.
version=1.20.2

# The sources, without a word in the machine's own list of them.
fetch() {
  local apt=$work/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  : >"$apt/status"
  echo "deb-src [signed-by=$keyring] http://deb.debian.org/debian bookworm main" \
    >"$apt/sources.list"
  local options=(-o "Dir::Etc::sourcelist=$apt/sources.list"
    -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o "Dir::State::status=$apt/status"
    -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$work" && apt-get "${options[@]}" source -qq kubernetes)
}

sources() {
  find "$work" -maxdepth 1 -type d -name 'kubernetes-1.20*' -print -quit
}

# The reflect2 in the sources walks maps as Go laid them out before 1.18: a
# server that is given a custom resource then ends with a fault. Debian's own
# package of it is good.
mend() {
  local vendored=vendor/github.com/modern-go/reflect2
  rm -rf "$vendored"
  cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 "$vendored"
}

# Debian leaves out what is generated. The list of packages is that of
# upstream's own hack/make-rules: those that say +k8s:openapi-gen.
generate() {
  [[ -e pkg/generated/openapi/zz_generated.openapi.go ]] && return
  go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  local inputs
  inputs=$(grep -RlE '^// *\+k8s:openapi-gen=' --include=*.go pkg \
      vendor/k8s.io cmd | grep -v _test.go | xargs -n1 dirname | sort -u |
    grep -v 'kube-openapi/\|generators' |
    sed 's#^vendor/##; t; s#^#k8s.io/kubernetes/#' | paste -sd,)
  "$work/openapi-gen" --logtostderr -O zz_generated.openapi \
    --go-header-file hack/boilerplate/boilerplate.generatego.txt \
    --output-base "$GOPATH/src" \
    --output-package k8s.io/kubernetes/pkg/generated/openapi \
    --report-filename "$work/violations" -i "$inputs"
}

compile() {
  export PATH=/usr/lib/go-1.19/bin:$PATH
  export GO111MODULE=off GOPATH=$work/gopath GOPROXY=off GOFLAGS=
  export GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=$work/gocache
  export GOMAXPROCS=$jobs
  mkdir -p "$GOPATH/src/k8s.io"
  ln -sfn "$(sources)" "$GOPATH/src/k8s.io/kubernetes"
  cd "$GOPATH/src/k8s.io/kubernetes"
  mend
  generate
  local flags='-s -w' package
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    package=k8s.io/kubernetes/vendor/$package
    flags+=" -X $package.gitVersion=v$version"
    flags+=" -X $package.gitMajor=1 -X $package.gitMinor=20"
  done
  go build -p "$jobs" -trimpath -ldflags "$flags" -o "$assets/.building" \
    ./cmd/kube-apiserver
  mv "$assets/.building" "$assets/kube-apiserver"
}

mkdir -p "$assets" "$work"
if ! [[ -x $assets/etcd ]]; then
  ln -sf "$(command -v etcd)" "$assets/etcd"
fi
[[ -x $assets/kube-apiserver ]] && exit 0
log=$work/build.log
echo "Building kube-apiserver $version, once; $log" >&2
{
  [[ -n $(sources) ]] || fetch
  compile
} >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
