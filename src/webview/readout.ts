/** Reading a chart: the stretch of time under the pointer, or the one that the arrow keys have come to. */
import { textOf } from './charts.ts';
import type { DashboardView, PlotView } from '../shared/dashboard.ts';

/** The chart that is being read and the stretch in it, counted from 0. */
let reading: { plot: string; index: number } | undefined;
let plots = new Map<string, PlotView>();

export function listenForReading(): void {
  document.addEventListener('pointermove', ({ target, clientX }) => {
    const element = plotAt(target);
    if (element === null) {
      // The pointer has left; a chart that has the keyboard keeps what it shows.
      if (reading !== undefined && document.activeElement !== elementOf(reading.plot)) read(undefined);
      return;
    }
    const plot = plotOf(element);
    if (plot === undefined) return;
    const { left, width } = element.getBoundingClientRect();
    read(element, Math.floor(((clientX - left) / width) * plot.points.length));
  });
  document.addEventListener('pointerleave', () => read(undefined));
  document.addEventListener('focusin', ({ target }) => {
    const element = plotAt(target);
    const plot = element === null ? undefined : plotOf(element);
    if (element !== null && plot !== undefined && element.matches(':focus-visible')) read(element, plot.points.length - 1);
  });
  document.addEventListener('focusout', ({ target }) => {
    if (plotAt(target) !== null) read(undefined);
  });
  document.addEventListener('keydown', (event) => {
    const element = plotAt(event.target);
    const plot = element === null ? undefined : plotOf(element);
    if (element === null || plot === undefined) return;
    const last = plot.points.length - 1;
    const at = reading !== undefined && reading.plot === element.dataset['plot'] ? reading.index : last;
    const next: Partial<Record<string, number>> = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last };
    const index = next[event.key];
    if (index === undefined) return;
    event.preventDefault();
    read(element, index);
  });
}

/** Takes in a new picture: what was being read goes on being read in it. */
export function keepReading(view: DashboardView): void {
  plots = new Map(view.repositories.flatMap(({ key, board }) => (board?.charts.charts ?? []).flatMap(({ id, plot }) => (plot === null ? [] : [[`${key}/${id}`, plot] as const]))));
  if (reading !== undefined) read(elementOf(reading.plot), reading.index);
}

function read(element: HTMLElement | undefined, index = 0): void {
  const id = element?.dataset['plot'];
  const plot = id === undefined ? undefined : plots.get(id);
  if (reading !== undefined && reading.plot !== id) clear(elementOf(reading.plot));
  if (element === undefined || id === undefined || plot === undefined) {
    reading = undefined;
    return;
  }
  const at = Math.max(0, Math.min(index, plot.points.length - 1));
  reading = { plot: id, index: at };
  const text = textOf(plot.points[at]);
  element.setAttribute('aria-valuenow', String(at + 1));
  element.setAttribute('aria-valuetext', text);
  element.querySelector('.cursor')?.setAttribute('x', String(at * 10));
  const figure = element.closest('figure');
  figure?.classList.add('reading');
  const line = figure?.querySelector('.read');
  if (line) line.textContent = text;
}

function clear(element: HTMLElement | undefined): void {
  const figure = element?.closest('figure');
  figure?.classList.remove('reading');
  const line = figure?.querySelector('.read');
  if (line) line.textContent = '';
}

function plotAt(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('[data-plot]') : null;
}

function plotOf(element: HTMLElement): PlotView | undefined {
  return plots.get(element.dataset['plot'] ?? '');
}

function elementOf(plot: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>('[data-plot]')].find((one) => one.dataset['plot'] === plot);
}
