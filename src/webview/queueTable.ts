/** The queue's table: of ten thousand rows those in sight are there, between two gaps as high as the others would be. */
import { MOST_ROWS, type QueueRow, type QueueTableView, type RowRange } from '../shared/dashboard.ts';
import { button, el, part } from './dom.ts';

/** Before the first row can be measured. */
const ROW_PX = 28;
/** Rows that are fetched before and after those in sight. */
const MARGIN = 40;

const COLUMNS = [
  ['#', 'position number'],
  ['Score', 'score number'],
  ['Task', 'task'],
  ['Wait', 'wait number'],
  ['ETA', 'eta number'],
  ['Why', 'why'],
] as const;

export function queueTable(repository: string, { total, first, rows }: QueueTableView): HTMLElement {
  const height = rowHeight(repository);
  const gap = (name: string, count: number): HTMLElement | null =>
    count === 0 ? null : el('tr', { class: 'gap', 'data-key': name, 'aria-hidden': 'true' }, el('td', { colspan: String(COLUMNS.length), height: String(Math.round(count * height)) }));
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Tasks in the queue', 'data-queue': repository, 'data-first': String(first), 'data-count': String(rows.length), 'data-total': String(total) },
    el(
      'table',
      { 'aria-label': 'Queue', 'aria-rowcount': String(total + 1) },
      el('thead', {}, el('tr', { 'aria-rowindex': '1' }, ...COLUMNS.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name)))),
      el('tbody', {}, gap('before', first), ...rows.map((row, index) => part(`${repository}/row/${row.task}`, [row, first + index], () => rowOf(repository, row, first + index))), gap('after', total - first - rows.length)),
    ),
  );
}

function rowOf(repository: string, { task, goal, position, score, wait, eta, etaDetail, held, why }: QueueRow, index: number): HTMLElement {
  return el(
    'tr',
    { 'data-key': `task ${task}`, 'aria-rowindex': String(index + 2), class: held ? 'held' : 'pending' },
    el('td', { class: 'position number' }, position === '' ? '–' : position),
    el('td', { class: 'score number' }, score),
    el('td', { class: 'task' }, button({ type: 'task', repository, task }, { class: 'link clip', dir: 'auto', title: `${task}: ${goal}` }, goal)),
    el('td', { class: 'wait number' }, wait),
    el('td', { class: 'eta number', title: etaDetail === '' ? 'Unknown' : etaDetail }, eta === '' ? '–' : eta),
    el('td', { class: 'why muted clip', title: why }, why),
  );
}

function rowHeight(repository: string): number {
  const row = scrollerOf(repository)?.querySelector('tr[data-key^="task "]');
  const height = row?.getBoundingClientRect().height ?? 0;
  return height > 0 ? height : ROW_PX;
}

/** Heights of the rows as they are on the screen: the gaps must be drawn again when they are not what they were drawn for. */
export function rowHeights(): string {
  return [...document.querySelectorAll<HTMLElement>('[data-queue]')].map((one) => rowHeight(one.dataset['queue'] ?? '')).join(' ');
}

function scrollerOf(repository: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>('[data-queue]')].find((one) => one.dataset['queue'] === repository);
}

/** Calls back with the rows that are wanted when those in sight are not there, or nearly not. */
export function listenForScrolling(wanted: (repository: string, range: RowRange) => void): void {
  let asked = '';
  let waiting = false;
  document.addEventListener(
    'scroll',
    ({ target }) => {
      if (waiting || !(target instanceof HTMLElement) || target.dataset['queue'] === undefined) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        const repository = target.dataset['queue'] ?? '';
        const range = missing(target, rowHeight(repository));
        const question = JSON.stringify([repository, range]);
        if (range === undefined || question === asked) return;
        asked = question;
        wanted(repository, range);
      });
    },
    { capture: true, passive: true },
  );
  document.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const row = event.target instanceof Element ? event.target.closest('[data-queue] tbody tr') : null;
    if (step === 0 || row === null) return;
    const next = step === 1 ? row.nextElementSibling : row.previousElementSibling;
    const link = next?.querySelector<HTMLElement>('button');
    if (!link) return;
    event.preventDefault();
    link.focus();
  });
}

/** The rows to ask for; undefined while there are enough around those in sight. */
function missing(scroller: HTMLElement, height: number): RowRange | undefined {
  const [first = 0, count = 0, total = 0] = ['first', 'count', 'total'].map((name) => Number(scroller.dataset[name]));
  const top = Math.max(0, Math.floor(scroller.scrollTop / height));
  const seen = Math.ceil(scroller.clientHeight / height) + 1;
  const bottom = Math.min(total, top + seen);
  const near = MARGIN / 3;
  if (first <= Math.max(0, top - near) && first + count >= Math.min(total, bottom + near)) return undefined;
  return { first: Math.max(0, top - MARGIN), count: Math.min(MOST_ROWS, seen + 2 * MARGIN) };
}
