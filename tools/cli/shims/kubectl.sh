
# The server: of the arguments, else of the kubeconfig that they choose.
server='' last=''
for arg in "$@"; do
  [ "$arg" = -- ] && break
  case $last in
  --server | -s) server=$arg ;;
  esac
  case $arg in
  --server=*) server=${arg#--server=} ;;
  -s=*) server=${arg#-s=} ;;
  -shttp*) server=${arg#-s} ;;
  esac
  last=$arg
done
if [ -z "$server" ]; then
  kubeconfig='' context='' cluster='' last=''
  for arg in "$@"; do
    [ "$arg" = -- ] && break
    case $last in
    --kubeconfig) kubeconfig=$arg ;;
    --context) context=$arg ;;
    --cluster) cluster=$arg ;;
    esac
    case $arg in
    --kubeconfig=*) kubeconfig=${arg#--kubeconfig=} ;;
    --context=*) context=${arg#--context=} ;;
    --cluster=*) cluster=${arg#--cluster=} ;;
    esac
    last=$arg
  done
  server=$("$real" config view --minify \
    ${kubeconfig:+"--kubeconfig=$kubeconfig"} \
    ${context:+"--context=$context"} ${cluster:+"--cluster=$cluster"} \
    -o 'jsonpath={.clusters[0].cluster.server}' 2>/dev/null)
fi
if [ -z "$server" ]; then
  say "no server is configured; give --server URL or a kubeconfig"
  exit 2
fi
server=$(bare "$server")$prefix

# Our server in place of theirs: behind the command's own words (a plugin
# allows no option before its name), before what belongs to a command behind --.
left=$# skip='' ended=''
while [ "$left" -gt 0 ]; do
  arg=$1
  shift
  left=$((left - 1))
  if [ -n "$skip" ]; then
    skip=''
    continue
  fi
  if [ -z "$ended" ]; then
    case $arg in
    --server | -s) skip=yes; continue ;;
    --server=* | -s=* | -shttp*) continue ;;
    --)
      ended=yes
      set -- "$@" "--server=$server"
      ;;
    esac
  fi
  set -- "$@" "$arg"
done
[ -n "$ended" ] || set -- "$@" "--server=$server"
exec "$real" "$@"
