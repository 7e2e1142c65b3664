# A plugin: kubectl calls it for `kubectl cheops …`, with the words behind.
case ${1:-} in
'' | -h | --help | help)
  cat <<'END'
kubectl cheops --scope SCOPE COMMAND …   any command of kubectl, where SCOPE says
kubectl cheops explain SCOPE [PATH]      what a scope would do; runs nothing

The second asks the node itself; CHEOPS_CONFIG names its configuration.
END
  exit 0
  ;;
explain) exec cheops "$@" ;;
esac

