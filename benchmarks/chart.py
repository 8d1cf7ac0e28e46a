"""The reports of a run as one picture: how many times its peers' figure each benchmark reaches."""

from collections.abc import Sequence
from html import escape

from benchmarks.frame import Report

WIDTH, ROW, LABEL, MARGIN = 720, 26, 300, 16


def chart(reports: Sequence[Report]) -> str:
    """Return an SVG with a bar for each benchmark and peer, ours ÷ theirs."""
    bars = [(f"{report.name} / {peer}", ratio) for report in reports for peer, ratio in report.ratio.items()]
    longest = max((ratio for _, ratio in bars), default=1.0)
    height = 2 * MARGIN + ROW * len(bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img" aria-label="StudySpot relative to its peers">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (label, ratio) in enumerate(bars):
        top = MARGIN + ROW * number
        length = (WIDTH - LABEL - 6 * MARGIN) * ratio / longest
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 17}" text-anchor="end" fill="#222222">{escape(label)}</text>',
            f'<rect x="{LABEL}" y="{top + 4}" width="{length:.1f}" height="{ROW - 8}" fill="#2f6f9f"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{top + 17}" fill="#222222">{ratio:.2f} ×</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])
