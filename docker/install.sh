#!/usr/bin/env bash
# What both images do, and what a host without images can do too:
#   bash docker/install.sh SOURCE EXTRAS [--system-site-packages]
# PREFIX (default /opt/edgeprofiler) is the virtual environment that it makes.
set -euo pipefail
source=$1 extras=$2
shift 2
prefix=${PREFIX:-/opt/edgeprofiler}
python3 -m venv "$@" "$prefix"
"$prefix/bin/pip" install --quiet --no-cache-dir "${source}[${extras}]"
"$prefix/bin/edgeprofiler" --version
