#!/usr/bin/env bash
# Checks the OpenAPI document against the specification's own schemas, with
# a validator from npm: openapi_valid.sh SOURCE BUILD. Exits 77 (skipped)
# where there is no npm, or no way to its registry.
set -euo pipefail
source=$1 folder=$2/npm
package=@seriousme/openapi-schema-validator@2.2.5

command -v npm >/dev/null || { echo "npm is not installed: skipped"; exit 77; }
mkdir -p "$folder"
cd "$folder"
[[ -f package.json ]] || echo '{"private": true}' >package.json
if [[ ! -d node_modules/@seriousme/openapi-schema-validator ]]; then
  npm install --no-audit --no-fund --loglevel=error "$package" || {
    echo "the validator cannot be fetched: skipped"
    exit 77
  }
fi
cat >validate.mjs <<'EOF'
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
const check = async (x) => await new Validator().validate(x);

const result = await check(document);
console.log(JSON.stringify(result.errors ?? "valid", null, 1));
// The validator itself must be able to say no.
delete document.info.title;
const broken = await check(document);
process.exit(result.valid && !broken.valid ? 0 : 1);
EOF
node validate.mjs "$source/tools/openapi.json"
