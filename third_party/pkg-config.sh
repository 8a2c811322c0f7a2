#!/bin/sh
# Stands in for pkg-config where there is none: answers `--cflags -- gopet` and `--libs -- gopet`,
# as go asks, from the gopet.pc that setup.sh writes (no variables in it).
field=
package=
for argument; do
  case $argument in
    --cflags) field=Cflags ;;
    --libs) field=Libs ;;
    --) ;;
    -*) ;;
    *) package=$argument ;;
  esac
done
old_ifs=$IFS
IFS=:
for folder in $PKG_CONFIG_PATH; do
  if [ -f "$folder/$package.pc" ]; then
    sed -n "s/^$field: //p" "$folder/$package.pc"
    exit 0
  fi
done
IFS=$old_ifs
echo "no $package.pc in PKG_CONFIG_PATH=$PKG_CONFIG_PATH; for packages other than gopet install pkg-config" >&2
exit 1
