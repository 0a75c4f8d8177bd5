"""The results as charts: SVG files that a page can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import CaseResult, peer
from benchmarks.report import Results
from benchmarks.wires import RESPONSES, WIRES

# Any: matplotlib need not be installed where this is type-checked.

OURS, OTHERS, _REFERENCE = "#2563eb", "#94a3b8", "#f59e0b"
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "sansio-llm",  # the same results give the same file
}
WIDTH = 8.0  # inches
_BAR = 0.22  # inches of height for each


def draw(results: Results, directory: Path) -> list[Path]:
    """Draw one chart for each row that was measured and has one.

    Returns:
        The files that were written.

    Raises:
        SkippedError: matplotlib is not installed.
    """
    peer("matplotlib").use("svg")
    plot = peer("matplotlib.pyplot")
    written = []
    with plot.rc_context(STYLE):
        for name, paint in _CHARTS.items():
            figure = paint(plot, results)
            if figure is None:
                continue
            note = f"{results.date:%Y-%m-%d}, {results.machine.python}, {results.machine.processor}"
            figure.text(0.99, 0.004, note, ha="right", va="bottom", fontsize=6, color="#64748b")
            path = directory / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            plot.close(figure)
            written.append(path)
    return written


class _Panel:
    """The bars of one axes.

    Args:
        result: the case.
        metric: which of its metrics.
        title: above the bars.
        ratios: show ratios to the reference; otherwise the medians.
    """

    def __init__(self, result: CaseResult, metric: str, title: str, *, ratios: bool = True) -> None:
        self.title = title
        self.ratios = ratios
        self.unit = "times the reference" if ratios else result.case.units[metric]
        self.bars: list[tuple[str, float]] = []
        self.reference = result.case.contenders[0].name
        for contender in result.case.contenders:
            if contender.name in result.samples and self.reference in result.samples:
                summary = result.summary(metric, contender.name)
                self.bars.append((contender.name, summary.ratio if ratios else summary.median))

    def colour(self, name: str) -> str:
        if name == self.reference:
            return _REFERENCE
        return OURS if name.startswith(("sansio", "transports")) else OTHERS

    def paint(self, axes: Any) -> None:
        names = [name for name, _ in self.bars]
        values = [value for _, value in self.bars]
        bars = axes.barh(names, values, color=[self.colour(name) for name in names], height=0.7)
        axes.bar_label(bars, labels=[_number(value) for value in values], padding=2, fontsize=8)
        axes.invert_yaxis()
        positive = [value for value in values if value > 0]
        if positive and max(positive) > 20 * min(positive):
            axes.set_xscale("log")
            axes.set_xlim(min(positive) / 2, max(positive) * 4)
        else:
            axes.set_xlim(0, max(values, default=1) * 1.15)
        axes.set_title(f"{self.title} ({self.unit})", loc="left", fontsize=9, fontweight="bold")
        axes.tick_params(axis="y", length=0)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _bars(plot: Any, panels: list[_Panel]) -> Any | None:
    """Panels one below the other, each as high as it has bars."""
    panels = [panel for panel in panels if panel.bars]
    if not panels:
        return None
    heights = [len(panel.bars) * _BAR + 0.5 for panel in panels]
    figure, rows = plot.subplots(
        len(panels),
        1,
        figsize=(WIDTH, sum(heights) + 0.3),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for panel, (axes,) in zip(panels, rows, strict=True):
        panel.paint(axes)
    return figure


def _panels(results: Results, row: str, metric: str, names: list[str], **options: bool) -> Iterator[_Panel]:
    for name in names:
        result = results.case(row, name)
        if result is not None and metric in result.case.units:
            yield _Panel(result, metric, name, **options)


def _decode(plot: Any, results: Results) -> Any | None:
    names = [f"{wire}, one event per feed" for wire in (*WIRES, *RESPONSES)]
    return _bars(plot, list(_panels(results, "decode", "cpu", names)))


def _end_to_end(plot: Any, results: Results) -> Any | None:
    names = [
        f"{wire}, {how}"
        for wire in ("OpenAI text", "Anthropic text")
        for how in ("bursts, 1 stream", "bursts, 50 streams", "paced, 50 streams")
    ]
    return _bars(plot, list(_panels(results, "end_to_end", "cpu", names)))


def _calls(plot: Any, results: Results) -> Any | None:
    names = ["openai, 1 at once", "openai, 50 at once"]
    return _bars(plot, list(_panels(results, "calls", "cpu", names)))


def _bulk(plot: Any, results: Results) -> Any | None:
    names = ["1 at once", "100 at once", "1000 at once"]
    return _bars(plot, list(_panels(results, "bulk", "cpu", names)))


def _imports(plot: Any, results: Results) -> Any | None:
    names = ["an import in a fresh interpreter"]
    panels = [
        *_panels(results, "imports", "import", names, ratios=False),
        *_panels(results, "imports", "resident", names, ratios=False),
    ]
    return _bars(plot, panels)


def _memory(plot: Any, results: Results) -> Any | None:
    names = ["OpenAI text, 50 streams open", "OpenAI text, 1000 streams open"]
    return _bars(plot, list(_panels(results, "memory", "peak", names, ratios=False)))


def _growth(plot: Any, results: Results) -> Any | None:
    """Time and memory per event against the number of events, each contender a line."""
    figure, axes = plot.subplots(2, 2, figsize=(WIDTH, 5.5), layout="constrained")
    drawn = False
    for column, wire in enumerate(("OpenAI text", "Anthropic text")):
        cases = [
            each for each in results.cases if each.case.row == "growth" and each.case.text("wire") == wire
        ]
        for line, metric in enumerate(("cpu", "memory")):
            drawn = _lines(axes[line][column], cases, metric) or drawn
            axes[line][column].set_title(wire, loc="left", fontsize=9, fontweight="bold")
    if not drawn:
        plot.close(figure)
        return None
    axes[0][0].legend(fontsize=7, loc="center")
    axes[0][1].legend(fontsize=7, loc="center left")
    return figure


def _lines(axes: Any, cases: list[CaseResult], metric: str) -> bool:
    lines: dict[str, list[tuple[int, float]]] = {}
    for result in cases:
        for name in result.samples:
            value = result.summary(metric, name, name).median
            lines.setdefault(name, []).append((result.case.number("events"), value))
    for name, points in lines.items():
        colour = OURS if name == "sansio" else _REFERENCE if name == "yardstick" else None
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name, color=colour)
    axes.set_xscale("log")
    axes.set_yscale("log" if metric == "cpu" else "symlog")
    axes.set_xlabel("events")
    axes.set_ylabel(cases[0].case.units[metric] if cases else "")
    return bool(lines)


_CHARTS: dict[str, Callable[[Any, Results], Any | None]] = {
    "decode": _decode,
    "end_to_end": _end_to_end,
    "calls": _calls,
    "bulk": _bulk,
    "imports": _imports,
    "memory": _memory,
    "growth": _growth,
}
