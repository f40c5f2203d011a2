#!/usr/bin/env bash
# Makes the Python environment of the peers: `bash bench/peers/setup.sh [FOLDER]`. The last line printed is its Python.
# Python is a yardstick here and nothing else: the product and its tests never need it, so what is missing is said in
# a sentence and the exit status is 1. On Linux the torch of PyPI brings its CUDA libraries, 6 GB on disk in all.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/meed/peers}

fail() {
  echo "$1" >&2
  exit 1
}

[ $# -le 1 ] || fail "setup.sh got $# arguments. Give it one folder, or none for the cache."
command -v python3 >/dev/null || fail "There is no python3 on the PATH. Install Python 3.11 or newer, or leave the peers out."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$(python3 --version) is too old for the pinned versions. Install Python 3.11 or newer, or leave the peers out."

if ! cmp -s "$here/requirements.txt" "$folder/installed.txt"; then
  python3 -m venv "$folder" >&2 || fail "Python could not make an environment in $folder. Install its venv module (python3-venv on Debian)."
  "$folder/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$here/requirements.txt" >&2 ||
    fail "pip could not install $here/requirements.txt. Check that PyPI is reached and that 7 GB are free in $folder."
  cp "$here/requirements.txt" "$folder/installed.txt"
fi
"$folder/bin/python" -c 'import torch' || fail "torch in $folder does not import. Remove the folder and run this again."
echo "$folder/bin/python"
