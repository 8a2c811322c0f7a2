"""Unpacks the files of a wheel whose names match one of some patterns.

usage: python3 unpack.py WHEEL FOLDER PATTERN...

A wheel is a zip file; `*` in a pattern matches `/` too. It is an error when nothing matches.
"""

import fnmatch
import sys
import zipfile


def main(wheel, folder, *patterns):
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name
            for name in archive.namelist()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        ]
        if not names:
            sys.exit("unpack: %s holds no file that matches %s" % (wheel, " ".join(patterns)))
        archive.extractall(folder, names)  # checks every file's CRC


if __name__ == "__main__":
    main(*sys.argv[1:])
