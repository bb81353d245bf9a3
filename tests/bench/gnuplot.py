"""Draws lines as SVG with gnuplot."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

# Told apart by those who see few colours too (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
SHAPES = (7, 5, 9, 13)


@dataclass(frozen=True)
class Picture:
    name: str
    title: str
    x_label: str
    y_label: str
    logarithmic: str = ""


def quoted(text):
    return '"' + text.replace('"', '\\"') + '"'


def commands(picture, data, path):
    lines = [
        'set terminal svg size 800,500 font "sans-serif,14" background "#ffffff"',
        f"set output {quoted(path)}",
        "set encoding utf8",
        f"set title {quoted(picture.title)}",
        f"set xlabel {quoted(picture.x_label)}",
        f"set ylabel {quoted(picture.y_label)}",
        'set grid linecolor "#dddddd" linetype 1',
        "set border 3",
        "set tics nomirror",
        "set key tmargin center horizontal",
        "set rmargin 5",
        'set format x "%.0f"',
        f'set format y "{"%g" if "y" in picture.logarithmic else "%.0f"}"',
    ]
    if "y" not in picture.logarithmic:
        lines.append("set yrange [0:*]")
    if picture.logarithmic:
        lines.append(f"set logscale {picture.logarithmic}")
    for title, points in data.items():
        block = "\n".join(f"{x:g} {y:g}" for x, y in points)
        lines.append(f"${names(data)[title]} << EOD\n{block}\nEOD")
    plots = (
        f"${name} using 1:2 with linespoints title {quoted(title)} linewidth 2 pointsize 0.7"
        f" linecolor {quoted(COLOURS[i])} pointtype {SHAPES[i]}"
        for i, (title, name) in enumerate(names(data).items())
    )
    return "\n".join([*lines, "plot " + ", ".join(plots), ""])


def names(data):
    return {title: f"line{i}" for i, title in enumerate(data)}


def draw(picture, data, folder):
    """Writes @folder/<name>.svg. Without gnuplot it says so and goes on."""
    data = {title: points for title, points in data.items() if points}
    if not data:
        return
    if not shutil.which("gnuplot"):
        print(f"bench: no gnuplot, so no {picture.name}.svg", file=sys.stderr)
        return
    path = os.path.join(folder, picture.name + ".svg")
    subprocess.run(["gnuplot"], input=commands(picture, data, path), text=True, check=True)
