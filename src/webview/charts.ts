/** Charts, drawn in the theme's colours, each with its figures as text. */
import type { ChartView, PlotView, ShareView } from '../shared/dashboard.ts';
import { el, svg } from './dom.ts';

/** Units of a drawing: a stretch of time is 10 wide, whatever the width on the screen; the height is 100. */
const STEP = 10;
const HEIGHT = 100;

export function chart(repository: string, view: ChartView): HTMLElement {
  const { id, title, value, detail, empty, plot, shares } = view;
  return el(
    'figure',
    { class: `chart ${id}`, 'data-key': id, 'aria-label': `${title}: ${value}${detail === '' ? '' : `, ${detail}`}` },
    el('figcaption', {}, el('span', { class: 'label' }, title), plot === null ? null : legend(plot), el('span', { class: 'value number' }, value), el('span', { class: 'muted detail clip', title: detail }, detail)),
    empty === null ? null : el('p', { class: 'empty' }, empty),
    ...(plot === null ? [] : plotOf(`${repository}/${id}`, title, plot)),
    shares.length === 0 ? null : el('ul', { class: 'shares' }, ...shares.map(shareOf)),
  );
}

function legend({ series }: PlotView): HTMLElement | null {
  if (series.length < 2) return null;
  return el('span', { class: 'legend muted', 'aria-hidden': 'true' }, ...series.map(({ name, tone }) => el('span', {}, el('span', { class: `swatch ${tone}` }), name)));
}

/** The drawing, its axis, and a table of the same for who does not see it. Arrow keys and pointer read it: see readout.ts. */
function plotOf(id: string, title: string, plot: PlotView): HTMLElement[] {
  const width = plot.points.length * STEP;
  const drawn = plot.kind === 'bars' ? bars(plot) : lines(plot);
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { class: 'cursor', x: 0, y: 0, width: STEP, height: HEIGHT }),
    ...[0, 50].map((y) => svg('line', { class: 'grid', x1: 0, x2: width, y1: y, y2: y })),
    ...drawn,
    svg('line', { class: 'base', x1: 0, x2: width, y1: HEIGHT, y2: HEIGHT }),
  );
  const slider = {
    class: 'plot',
    role: 'slider',
    tabindex: '0',
    'data-plot': id,
    'aria-label': `${title} over time`,
    'aria-orientation': 'horizontal',
    'aria-valuemin': '1',
    'aria-valuemax': String(plot.points.length),
    'aria-valuenow': String(plot.points.length),
    'aria-valuetext': textOf(plot.points.at(-1)),
  };
  return [
    el('div', slider, picture, el('span', { class: 'top muted number', 'aria-hidden': 'true' }, plot.topLabel)),
    el('p', { class: 'axis muted number', 'aria-hidden': 'true' }, el('span', { class: 'from' }, plot.from), el('span', { class: 'read' }), el('span', { class: 'to' }, plot.to)),
    el(
      'table',
      { class: 'unseen' },
      el('caption', {}, title),
      el('tbody', {}, ...plot.points.map(({ time, text }) => el('tr', {}, el('th', { scope: 'row' }, time), el('td', {}, text)))),
    ),
  ];
}

export function textOf(point: PlotView['points'][number] | undefined): string {
  return point === undefined ? '' : `${point.time}: ${point.text}`;
}

function bars({ series, points, top }: PlotView): SVGElement[] {
  return points.flatMap((_, index) => {
    let base = HEIGHT;
    return series.flatMap(({ tone, values }) => {
      const value = values[index] ?? 0;
      if (value === 0) return [];
      // What is there is seen, however little it is.
      const height = Math.max(2, (value / top) * HEIGHT);
      base -= height;
      return [svg('rect', { class: tone, x: index * STEP + 1.2, y: round(base), width: STEP - 2.4, height: round(height) })];
    });
  });
}

function lines({ series, top }: PlotView): SVGElement[] {
  return series.flatMap(({ tone, values }) => {
    const points = values.flatMap((value, index) => (value === null ? [] : [[index * STEP + STEP / 2, round(HEIGHT - (value / top) * (HEIGHT - 4))] as const]));
    const line = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
    // A stroke without length is a round dot, in whatever proportion the drawing is stretched.
    const dots = points.map(([x, y]) => `M${x} ${y}h0`).join('');
    return [svg('path', { class: `line ${tone}`, d: line }), svg('path', { class: `dots ${tone}`, d: dots })];
  });
}

function shareOf({ name, value, detail, share }: ShareView): HTMLElement {
  return el(
    'li',
    { 'data-key': name },
    el('span', { class: 'line' }, el('span', { class: 'clip' }, name), el('span', { class: 'number' }, value, ' ', el('span', { class: 'muted' }, detail))),
    meter(share, 'first'),
  );
}

/** A thin bar, `share` of it filled. */
export function meter(share: number, tone: string): SVGElement {
  return svg(
    'svg',
    { class: 'meter', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { class: 'track', x: 0, y: 0, width: 100, height: 4 }),
    svg('rect', { class: tone, x: 0, y: 0, width: round(share * 100), height: 4 }),
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
