#!/usr/bin/env python3
"""Draws what a deployment printed, colours and all, as an SVG: picture.py OUTPUT PICTURE FOLDER...

Needs the package `rich`. Of a long output it shows the beginning and the end, and says how much is between them. Folders,
such as the checkout's, are shown as `…`. README.md shows docs/deploy.svg, made of what deploy.sh printed
with ANSIBLE_FORCE_COLOR=1 in the lab of tests/lab/kube/run.sh.
"""
import io
import re
import sys

from rich.console import Console
from rich.text import Text

WIDTH = 120
BEGIN, END = 26, 44
# Pictures load no fonts from elsewhere.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main():
    output, picture, *folders = sys.argv[1:]
    with open(output, encoding="utf-8") as file:
        text = file.read()
    for folder in folders:
        text = text.replace(folder.rstrip("/") + "/", "…/")
    lines = text.splitlines()
    if len(lines) > BEGIN + END:
        lines = lines[:BEGIN] + ["", f"    … {len(lines) - BEGIN - END} lines …", ""] + lines[-END:]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        shown = Text.from_ansi(line)
        shown.truncate(WIDTH, overflow="ellipsis")
        console.print(shown, soft_wrap=True)
    drawn = console.export_svg(title="deploy.sh all --with-rke2 --yes")
    with open(picture, "w", encoding="utf-8") as file:
        file.write(FONTS.sub("", drawn))


main()
