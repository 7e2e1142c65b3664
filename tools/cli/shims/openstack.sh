
# Where Keystone is: of the arguments, else of the environment.
url=${OS_AUTH_URL:-} last=''
for arg in "$@"; do
  [ "$last" = --os-auth-url ] && url=$arg
  case $arg in
  --os-auth-url=*) url=${arg#--os-auth-url=} ;;
  esac
  last=$arg
done
if [ -z "$url" ]; then
  say "OS_AUTH_URL is not set; source an openrc file (clouds.yaml is not read)"
  exit 2
fi
# The prefix goes before the version: http://host:5000/scope/…/v3
root=$(bare "$url")
root=${root%/v3}
OS_AUTH_URL=$root$prefix/v3
# The plugins that ask Keystone for its own URL would lose the prefix.
case ${OS_AUTH_TYPE:-password} in
password) OS_AUTH_TYPE=v3password ;;
token) OS_AUTH_TYPE=v3token ;;
esac
export OS_AUTH_URL OS_AUTH_TYPE

left=$# skip=''
while [ "$left" -gt 0 ]; do
  arg=$1
  shift
  left=$((left - 1))
  if [ -n "$skip" ]; then
    skip=''
    continue
  fi
  case $arg in
  --os-auth-url) skip=yes; continue ;;
  --os-auth-url=*) continue ;;
  esac
  set -- "$@" "$arg"
done
exec "$real" "$@"
