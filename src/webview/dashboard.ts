/** The dashboard's parts as elements. */
import {
  CHART_WINDOWS,
  type ActionView,
  type AccountRow,
  type ActiveRow,
  type BoardView,
  type ChartWindow,
  type DashboardView,
  type DecisionRow,
  type HealthView,
  type NoticeView,
  type RateView,
  type RecentRow,
  type RepositoryView,
  type TileView,
} from '../shared/dashboard.ts';
import { chart, meter } from './charts.ts';
import { button, el, svg } from './dom.ts';
import { queueTable } from './queueTable.ts';

export function dashboard(view: DashboardView): HTMLElement {
  const several = view.repositories.length > 1;
  return el(
    'main',
    { id: 'dashboard', 'aria-label': 'Baton Dashboard' },
    view.notice === null ? null : noticeOf(view.notice, null),
    ...view.repositories.map((repository) => repositoryOf(repository, several, view.window)),
  );
}

function repositoryOf({ key, name, notice, board }: RepositoryView, several: boolean, window: ChartWindow): HTMLElement {
  const heading = el('h1', {}, el('span', { class: 'muted' }, 'Baton · '), name);
  return el(
    'article',
    { 'data-key': key, 'aria-label': several ? `Repository ${name}` : name },
    board === null ? el('header', {}, heading) : headerOf(key, heading, board, window),
    notice === null ? null : noticeOf(notice, key),
    board === null ? null : tilesOf(key, board.tiles),
    board === null ? null : boardOf(key, board),
  );
}

function headerOf(repository: string, heading: HTMLElement, { loop, health }: BoardView, window: ChartWindow): HTMLElement {
  return el(
    'header',
    {},
    heading,
    el(
      'p',
      { class: 'state' },
      el('span', { class: `pill ${loop.tone}` }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', { class: 'loop' }, loop.text)),
      el('span', { class: `pill ${health.tone}`, title: 'Health' }, health.status),
      el('span', { class: 'muted number' }, loop.slots),
    ),
    el('div', { class: 'switch', role: 'group', 'aria-label': 'Window of the charts' }, ...CHART_WINDOWS.map((one) => button({ type: 'window', window: one }, { 'aria-pressed': String(one === window), 'data-key': one }, one))),
    loop.action === null ? null : actionOf(loop.action, repository),
  );
}

function noticeOf({ text, action }: NoticeView, repository: string | null): HTMLElement {
  return el('div', { class: 'notice', role: 'status' }, el('p', {}, text), action === null ? null : actionOf(action, repository));
}

function actionOf({ title, command }: ActionView, repository: string | null): HTMLElement {
  return button({ type: 'command', command, repository }, { class: 'action' }, title);
}

function tilesOf(repository: string, tiles: readonly TileView[]): HTMLElement {
  return el('ul', { class: 'tiles', 'aria-label': 'Summary' }, ...tiles.map((tile) => el('li', { 'data-key': tile.id }, tileOf(repository, tile))));
}

function tileOf(repository: string, { id, label, value, of, detail, tone, share, command }: TileView): HTMLElement {
  // With spaces between them: the parts are a button's name too.
  const parts = [
    el('span', { class: 'label' }, label),
    ' ',
    el('span', { class: 'figure' }, el('span', { class: 'value number' }, value), of === '' ? null : ' ', of === '' ? null : el('span', { class: 'muted number' }, of)),
    ' ',
    el('span', { class: 'muted number clip' }, detail),
    share === null ? null : meter(share, tone === 'attention' ? 'bad' : 'first'),
  ];
  if (command === null) return el('div', { class: `tile ${id} ${tone}` }, ...parts);
  return button({ type: 'command', command, repository }, { class: `tile ${id} ${tone}` }, ...parts);
}

function boardOf(repository: string, board: BoardView): HTMLElement {
  const { decisions, decisionsHidden, active, recent, queue, charts, health } = board;
  const now = [
    section('Needs You', 'first', [
      rows(decisions.map((row) => decisionOf(repository, row)), 'Nothing needs you. What agents ask and what waits for your approval shows here.'),
      decisionsHidden === 0 ? null : el('p', { class: 'muted' }, `${decisionsHidden} more. `, button({ type: 'command', command: 'showNeedsYou', repository }, { class: 'link' }, 'Show Needs You')),
    ]),
    section('Active', 'first', [rows(active.map((row) => activeOf(repository, row)), 'Nobody is at work. A task shows here with its step, time and cost while an agent works on it.')]),
  ];
  const empty = 'No task waits. The next ones show here in their order, each with its score, when it will be done, and why it is where it is.';
  const figures = [
    section('Charts', 'charts', [charts.notice === null ? el('div', { class: 'grid' }, ...charts.charts.map((one) => chart(repository, one))) : el('p', { class: 'empty' }, charts.notice)]),
    section('Queue', 'queue', [queue.total === 0 ? el('p', { class: 'empty' }, empty) : queueTable(repository, queue)], queue.total === 0 ? '' : `${queue.total} ${queue.total === 1 ? 'task' : 'tasks'}`),
  ];
  const ended = [
    section('Recent Completions', 'third', [ratesOf(recent.rates), rows(recent.rows.map((row) => recentOf(repository, row)), 'Nothing has ended yet. Merged, failed and cancelled tasks show here, the latest first.')], recent.summary),
  ];
  const state = [
    section('Health', '', healthOf(repository, health), health.status),
    section('Accounts', '', [accountsOf(board.accounts)]),
  ];
  return el('div', { class: 'board' }, el('div', { class: 'column' }, ...now, ...ended), el('div', { class: 'column' }, ...figures, el('div', { class: 'pair' }, ...state)));
}

function section(title: string, kind: string, content: readonly (HTMLElement | null)[], aside = ''): HTMLElement {
  return el('section', { 'data-key': title, 'aria-label': title, class: kind }, el('h2', {}, title, aside === '' ? null : el('span', { class: 'muted number clip' }, aside)), ...content);
}

function rows(items: readonly HTMLElement[], empty: string): HTMLElement {
  return items.length === 0 ? el('p', { class: 'empty' }, empty) : el('ul', { class: 'rows' }, ...items);
}

function decisionOf(repository: string, { task, decision, title, goal, facts, age }: DecisionRow): HTMLElement {
  return el(
    'li',
    { 'data-key': decision },
    button(
      { type: 'decision', repository, task, decision },
      { class: 'row decision', title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name strong' }, title), el('span', { class: 'muted number' }, age)),
      el('span', { class: 'clip', dir: 'auto' }, goal),
      el('span', { class: 'muted clip number' }, `${task} · ${facts}`),
    ),
  );
}

function activeOf(repository: string, { task, goal, step, progress, elapsed, cost, eta, lastLine }: ActiveRow): HTMLElement {
  const said = [task, step, eta].filter((part) => part !== '').join(' · ');
  return el(
    'li',
    { 'data-key': task },
    button(
      { type: 'task', repository, task },
      { class: 'row running', title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name' }, el('bdi', {}, goal)), el('span', { class: 'muted number' }, [elapsed, cost].filter((part) => part !== '').join(' · '))),
      progress === null ? null : stepsOf(progress),
      el('span', { class: 'muted clip number' }, said),
      lastLine === '' ? null : el('span', { class: 'clip code' }, lastLine),
    ),
  );
}

/** A plan's steps as segments: done, the one at hand, and those to come. The text beside it says the same. */
function stepsOf({ done, total }: { readonly done: number; readonly total: number }): SVGElement {
  const segments = Array.from({ length: total }, (_, index) => svg('rect', { class: index < done ? 'good' : index === done ? 'half' : 'track', x: index * 10 + (index === 0 ? 0 : 0.3), y: 0, width: 9.4, height: 4 }));
  return svg('svg', { class: 'meter', viewBox: `0 0 ${total * 10} 4`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...segments);
}

const OUTCOMES = { done: ['✓', 'Done', 'good'], failed: ['✗', 'Failed', 'bad'], cancelled: ['–', 'Cancelled', 'muted'] } as const;

function ratesOf(rates: readonly RateView[]): HTMLElement | null {
  if (rates.length === 0) return null;
  return el('dl', { class: 'rates' }, ...rates.map(({ name, value, meaning }) => el('div', { title: meaning }, el('dt', { class: 'muted' }, name), el('dd', { class: 'number' }, value, el('span', { class: 'unseen' }, ` ${meaning}`)))));
}

function recentOf(repository: string, { task, goal, outcome, took, cost, ended }: RecentRow): HTMLElement {
  const [mark, word, tone] = OUTCOMES[outcome];
  return el(
    'li',
    { 'data-key': task },
    button(
      { type: 'task', repository, task },
      { class: `row ${outcome}`, title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name clip' }, el('span', { class: `mark ${tone}`, 'aria-hidden': 'true' }, mark), el('bdi', {}, goal)), el('span', { class: 'muted number' }, ended)),
      el('span', { class: 'muted clip number indented' }, [word, took, cost, task].filter((part) => part !== '').join(' · ')),
    ),
  );
}

function healthOf(repository: string, { checks, problems }: HealthView): HTMLElement[] {
  const items = checks.map(({ name, ok, message }) =>
    el('li', { 'data-key': name, class: 'fact' }, markOf(ok), el('span', { class: 'name' }, name, el('span', { class: 'unseen' }, ok ? ' (ok): ' : ' (failing): ')), el('span', { class: 'muted' }, message)),
  );
  const text = problems.count === 0 ? el('span', { class: 'muted' }, problems.text) : button({ type: 'command', command: 'showProblems', repository }, { class: 'link' }, problems.text);
  return [el('ul', { class: 'facts' }, ...items, el('li', { 'data-key': 'problems', class: 'fact' }, markOf(problems.count === 0), el('span', { class: 'name' }, 'Problems'), text))];
}

function accountsOf(accounts: readonly AccountRow[]): HTMLElement {
  if (accounts.length === 0) return el('p', { class: 'empty' }, 'No account yet. Each agent belongs to one, and a provider’s limit holds that account only.');
  const items = accounts.map(({ name, held, text, agents }) =>
    el(
      'li',
      { 'data-key': name, class: 'fact' },
      markOf(!held),
      el('span', { class: 'name' }, name),
      el('span', { class: 'muted number' }, text),
      ...agents.map((agent) => el('span', { class: 'agent muted', 'data-key': agent.name }, el('span', { class: agent.available ? 'name' : '' }, agent.name), ` ${agent.text}`)),
    ),
  );
  return el('ul', { class: 'facts' }, ...items);
}

function markOf(ok: boolean): HTMLElement {
  return el('span', { class: `mark ${ok ? 'good' : 'warning'}`, 'aria-hidden': 'true' }, ok ? '✓' : '⚠');
}
