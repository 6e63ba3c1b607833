#!/bin/sh
# Finds a Node that can run the program, then becomes it. Reads nothing but its own place on disk.
set -eu

# Follow symlinks by hand: `readlink -f` is not everywhere, and a link may point to a link, relative ones too.
self=$0
while [ -L "$self" ]; do
  folder=$(CDPATH='' cd -P -- "$(dirname -- "$self")" && pwd)
  target=$(readlink -- "$self")
  case $target in
    /*) self=$target ;;
    *) self=$folder/$target ;;
  esac
done
dist=$(CDPATH='' cd -P -- "$(dirname -- "$self")" && pwd)
root=${dist%/*}

if [ ! -f "$dist/node-core/cli.js" ]; then
  echo "x0t: $dist/node-core/cli.js is missing: the project is not built. Run 'npm ci' in $root." >&2
  exit 1
fi

case $(uname -s) in
  Linux) platform=linux ;;
  Darwin) platform=darwin ;;
  *) platform=unknown ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=unknown ;;
esac

# The Node that came with the install is linked against glibc; where glibc's loader is missing (Alpine), it cannot start.
case $platform-$arch in
  linux-x64) loader=/lib64/ld-linux-x86-64.so.2 ;;
  linux-arm64) loader=/lib/ld-linux-aarch64.so.1 ;;
  *) loader=/ ;;
esac

bundled=$root/node_modules/node-$platform-$arch/bin/node
if [ -x "$bundled" ] && [ -e "$loader" ]; then
  exec "$bundled" "$dist/node-core/cli.js" "$@"
fi

good='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)'
if command -v node >/dev/null 2>&1 && node -e "$good" 2>/dev/null; then
  exec node "$dist/node-core/cli.js" "$@"
fi

{
  echo "x0t: no Node.js found that can run it."
  echo "  looked for: $bundled"
  if command -v node >/dev/null 2>&1; then
    echo "  the system has: node $(node --version 2>/dev/null || echo '(does not start)'), 22.19 or newer is needed"
  else
    echo "  the system has no node command"
  fi
  echo "  do this: run 'npm ci' in $root (on Linux it brings its own Node.js),"
  echo "           or install Node.js 24 from https://nodejs.org"
} >&2
exit 1
