#!/bin/sh
# cheops-shim @NAME@ (made by: cheops shim install @NAME@)
# Takes --scope SCOPE out of the arguments and passes it on in the server's
# URL. Without --scope it becomes the real @CLIENT@ at once.
set -u
name=@NAME@ client=@CLIENT@

say() { printf 'cheops shim %s: %s\n' "$name" "$1" >&2; }

@FIRST@# The first program of that name on PATH that is no shim itself.
real=$(
  set -f
  IFS=:
  for dir in $PATH; do
    candidate=${dir:-.}/$client
    if [ ! -f "$candidate" ] || [ ! -x "$candidate" ]; then continue; fi
    head -c 64 "$candidate" | tr -d '\0' | grep -aq '^# cheops-shim ' && continue
    printf '%s' "$candidate"
    break
  done
)
if [ -z "$real" ]; then
  say "no real $client is on PATH; install it, or: cheops shim uninstall $name"
  exit 127
fi

# Each argument goes to the end of the list, ours are left out: nothing is
# split or quoted anew. Behind -- the words are not ours.
scope='' has_scope='' want_value='' ended=''
left=$#
while [ "$left" -gt 0 ]; do
  arg=$1
  shift
  left=$((left - 1))
  if [ -n "$want_value" ]; then
    scope=$arg want_value=''
    continue
  fi
  if [ -z "$ended" ]; then
    case $arg in
    --scope) want_value=yes has_scope=yes; continue ;;
    --scope=*) scope=${arg#--scope=} has_scope=yes; continue ;;
    --) ended=yes ;;
    esac
  fi
  set -- "$@" "$arg"
done
[ -n "$has_scope" ] || exec "$real" "$@"
if [ -n "$want_value" ] || [ -z "$scope" ]; then
  say "--scope needs a scope, for example --scope 'Site1 & Site2'"
  exit 2
fi
prefix=/scope/$(printf '%s' "$scope" | base64 | tr '+/' '-_' | tr -d '=\n')

# A URL without a scope of ours: one may be there already.
bare() { printf '%s' "$1" | sed 's,/scope/[A-Za-z0-9_-]*,,; s,/*$,,'; }
