# SPDX-License-Identifier: Apache-2.0
"""Results of measurements for people: a table in Markdown, bars in SVG.
plot.py MARKDOWN SVG JSON...: the same of what several runs wrote, each to a file; of a workload that stands in several the last counts."""
import html, json, math, sys


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def markdown(results, path):
    with open(path, "w") as out:
        out.write("| workload | unit | RustyDB | PostgreSQL 15 | ratio |\n|---|---|---|---|---|\n")
        for r in results:
            out.write(f"| {r['workload']} | {r['unit']} | {number(r['ours'])} | {number(r['postgresql'])} | {r['ratio']:.2f} |\n")


def svg(results, path):
    """One bar a workload, from 1 (as fast) to the right where we are ahead, in steps of doubling."""
    results = [r for r in results if r["ratio"] == r["ratio"] and r["ratio"] > 0]
    row, left, width, top = 20, 380, 420, 40
    most = max([2.0] + [max(r["ratio"], 1 / r["ratio"]) for r in results])
    unit = width / 2 / math.log2(most)
    middle = left + width / 2
    height = top + row * len(results) + 20
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 80}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="100%" height="100%" fill="white"/><text x="10" y="20" font-size="14">RustyDB against PostgreSQL 15: times as fast (right of the line: ahead)</text>']
    step = 1.0
    while step <= most:
        for x in {middle + unit * math.log2(step), middle - unit * math.log2(step)}:
            lines.append(f'<line x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{height - 15}" stroke="{"#444" if step == 1 else "#ddd"}"/>')
        step *= 2
    for i, r in enumerate(results):
        y, length = top + row * i, unit * math.log2(r["ratio"])
        colour = "#2a7f62" if length >= 0 else "#b3432b"
        lines.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(r["workload"])}</text>')
        lines.append(f'<rect x="{min(middle, middle + length):.1f}" y="{y + 2}" width="{abs(length):.1f}" height="{row - 6}" fill="{colour}"/>')
        lines.append(f'<text x="{left + width + 10}" y="{y + 12}">{r["ratio"]:.2f}</text>')
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n</svg>\n")


def main(markdown_path, svg_path, *files):
    results = {}
    for path in files:
        with open(path) as file:
            for line in file:
                result = json.loads(line)
                if "ratio" in result:
                    results[result["workload"]] = result
    markdown(list(results.values()), markdown_path)
    svg(list(results.values()), svg_path)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
