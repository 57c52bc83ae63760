#!/usr/bin/env bash
# Installs the Debian packages of the outside programs that the tests talk to, after saying which.
set -euo pipefail
declare -A package=([chromium]=chromium [xvfb-run]=xvfb [certspotter]=certspotter [openssl]=openssl [curl]=curl [nginx]=nginx-light)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null 2>&1 || missing+=("${package[$program]}")
done
[ "${#missing[@]}" = 0 ] && exit 0

echo "The tests use outside programs that are not here. About to install the Debian packages: ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null && as_root=(sudo -n) || {
        echo "No right to install packages: the tests that need ${missing[*]} will be listed as not run." >&2
        exit 0
    }
fi
command -v apt-get >/dev/null 2>&1 || { echo "No apt-get here: the tests that need ${missing[*]} will be listed as not run." >&2; exit 0; }
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    echo "Could not install ${missing[*]}: the tests that need them will be listed as not run." >&2
# Debian starts a web server when it installs one; the tests start their own, with their own settings.
case " ${missing[*]} " in *" nginx-light "*) "${as_root[@]}" systemctl disable --now --quiet nginx 2>/dev/null || true ;; esac
