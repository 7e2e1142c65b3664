# A plugin: kubectl calls it for `kubectl cheops …`, with the words behind.
case ${1:-} in
'' | -h | --help | help)
  cat <<'END'
kubectl cheops --scope SCOPE COMMAND …   any command of kubectl, where SCOPE says
kubectl cheops explain SCOPE [PATH]      what a scope would do; runs nothing
kubectl cheops status TYPE/NAME [-n NAMESPACE] [-o FORMAT]
                                         at which sites an object is, and how

The last two ask the node itself; CHEOPS_CONFIG names its configuration.
END
  exit 0
  ;;
explain) exec cheops "$@" ;;
status)
  shift
  namespace='' type='' object='' output=table want=''
  for arg in "$@"; do
    case $want$arg in
    namespace*) namespace=$arg want='' ;;
    output*) output=$arg want='' ;;
    -n | --namespace) want=namespace ;;
    --namespace=*) namespace=${arg#--namespace=} ;;
    -o | --output) want=output ;;
    --output=*) output=${arg#--output=} ;;
    -o*) output=${arg#-o} ;;
    -n*) namespace=${arg#-n} ;;
    -*) say "status takes TYPE/NAME, -n and -o, not $arg"; exit 2 ;;
    */*) type=${arg%%/*} object=${arg#*/} ;;
    *) if [ -z "$type" ]; then type=$arg; else object=$arg; fi ;;
    esac
  done
  if [ -z "$type" ] || [ -z "$object" ] || [ -n "$want" ]; then
    say 'status needs an object, for example: kubectl cheops status pod/purple'
    exit 2
  fi
  # Group, whether it has namespaces, and plural: of whatever name it goes by.
  # From the right, since not each has a short name.
  found=$(kubectl api-resources --no-headers | awk -v wanted="$type" '
    BEGIN { wanted = tolower(wanted) }
    {
      parts = split($(NF - 2), version, "/")
      group = parts == 2 ? version[1] : ""
      short = NF == 5 ? "," $2 "," : ""
      kind = tolower($NF)
      if (wanted == $1 || wanted == kind || index(short, "," wanted ",") ||
          wanted == $1 "." group || wanted == kind "." group) {
        print group "/" $(NF - 1) "/" $1
        exit
      }
    }')
  if [ -z "$found" ]; then
    say "the server has no resource $type"
    exit 1
  fi
  group=${found%%/*} resource=${found##*/}
  case $found in
  */true/*)
    [ -n "$namespace" ] || namespace=$(kubectl config view --minify \
      -o 'jsonpath={..namespace}' 2>/dev/null)
    namespace=${namespace:-default}
    ;;
  *) namespace='' ;;
  esac
  exec cheops describe replicant "$group/$namespace/$resource/$object" \
    -o "$output"
  ;;
esac

