
# Where Keystone is: of the arguments, else of the environment, else of the
# cloud in clouds.yaml, which the client itself finds best.
url=${OS_AUTH_URL:-} cloud=${OS_CLOUD:-} last=''
for arg in "$@"; do
  case $last in
  --os-auth-url) url=$arg ;;
  --os-cloud) cloud=$arg ;;
  esac
  case $arg in
  --os-auth-url=*) url=${arg#--os-auth-url=} ;;
  --os-cloud=*) cloud=${arg#--os-cloud=} ;;
  esac
  last=$arg
done
if [ -z "$url" ] && [ -n "$cloud" ]; then
  url=$("$real" --os-cloud "$cloud" configuration show -f value \
    -c auth.auth_url) || exit
fi
if [ -z "$url" ]; then
  say 'OS_AUTH_URL is not set, nor OS_CLOUD; source an openrc file'
  exit 2
fi
# The prefix comes first, whatever is below: http://host:5000/scope/…/v3
url=$(bare "$url")
url=${url%/v3}
host=${url#*://}
host=${url%%://*}://${host%%/*}
OS_AUTH_URL=$host$prefix${url#"$host"}/v3
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
