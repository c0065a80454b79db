/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** Lines of one colour belong together. */
  readonly colour: number;
  readonly dashed: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 64, right: WIDTH - 24, top: 104, bottom: HEIGHT - 56 };

// No background of its own: the page's shows through, in light and in dark. Colours that differ in brightness as well.
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.axis { stroke: #8c959f; }
.grid { stroke: #8c959f; stroke-opacity: 0.25; }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.c0 { stroke: #6e7781; } .c1 { stroke: #0969da; } .c2 { stroke: #bc4c00; }
.dashed { stroke-dasharray: 6 4; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .c0 { stroke: #9198a1; } .c1 { stroke: #4493f8; } .c2 { stroke: #f0883e; }
}`;

/** A chart as SVG: the x axis logarithmic, with a tick at every measured value, the y axis linear and from zero. */
export function svgOf({ title, xLabel, yLabel, lines }: Chart): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const ticks = ticksUpTo(Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y))));
  const x = scale(Math.log(xs[0] ?? 1), Math.log(xs.at(-1) ?? 1), PLOT.left + 12, PLOT.right - 12);
  const y = scale(0, ticks.at(-1) as number, PLOT.bottom, PLOT.top);
  const parts = [
    text(PLOT.left, 24, title, 'title'),
    ...ticks.flatMap((tick) => [
      line(PLOT.left, y(tick), PLOT.right, y(tick), tick === 0 ? 'axis' : 'grid'),
      text(PLOT.left - 8, y(tick) + 4, short(tick), '', 'end'),
    ]),
    ...xs.map((value) => text(x(Math.log(value)), PLOT.bottom + 20, short(value), '', 'middle')),
    text((PLOT.left + PLOT.right) / 2, HEIGHT - 12, xLabel, '', 'middle'),
    text(PLOT.left, PLOT.top - 12, yLabel),
    ...lines.map(({ colour, dashed, points }) => {
      const path = points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${round(x(Math.log(px)))} ${round(y(py))}`).join('');
      return `<path class="line c${colour}${dashed ? ' dashed' : ''}" d="${path}"/>`;
    }),
    ...lines.map((each, index) => legend(each, index, lines.length)),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function legend({ label, colour, dashed }: Line, index: number, count: number): string {
  const columns = Math.ceil(count / 2);
  const left = PLOT.left + (index % columns) * ((PLOT.right - PLOT.left) / columns);
  const top = 44 + Math.floor(index / columns) * 20;
  return `<path class="line c${colour}${dashed ? ' dashed' : ''}" d="M${round(left)} ${top}h28"/>${text(left + 34, top + 4, label)}`;
}

/** Round numbers from zero to at least the maximum, some five of them. */
export function ticksUpTo(maximum: number): number[] {
  const rough = maximum / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number);
  return Array.from({ length: Math.ceil(maximum / step) + 1 }, (_, index) => index * step);
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  return (value) => (to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start));
}

/** 1000 as 1k, 1 000 000 as 1M. */
function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3)));
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line class="${name}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function text(x: number, y: number, content: string, name = '', anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${name === '' ? '' : ` class="${name}"`}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
