#!/usr/bin/env bash
# Makes web/public/static/verify/crypto.js again: the curves and hashes of the checker, from well-kept libraries.
# Needs node and npm; nobody needs it to run mingjing, since its product is kept in the repository.
set -euo pipefail
cd "$(dirname "$0")"
target=../../web/public/static/verify
npm ci --ignore-scripts --silent
node node_modules/esbuild/install.js
banner="// @noble/curves, @noble/hashes (Paul Miller) and sm-crypto-v2 (june_01), MIT licence: crypto.LICENSE.txt. Made by scripts/browser-crypto/build.sh."
npx esbuild entry.mjs --bundle --format=iife --minify --target=es2020 --legal-comments=none \
  --banner:js="$banner" --outfile="$target/crypto.js" --log-level=warning
cat node_modules/@noble/curves/LICENSE node_modules/sm-crypto-v2/LICENCE_MIT > "$target/crypto.LICENSE.txt"
rm -rf node_modules
sha256sum "$target/crypto.js"
