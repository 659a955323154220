/** The dashboard's parts as elements. */
import type {
  ActionView,
  AccountRow,
  ActiveRow,
  BoardView,
  DashboardView,
  DecisionRow,
  NoticeView,
  ProblemsView,
  QueueRow,
  RecentRow,
  RepositoryView,
  TileView,
  WebviewMessage,
} from '../shared/dashboard.ts';
import { el } from './dom.ts';

export function dashboard(view: DashboardView): HTMLElement {
  const several = view.repositories.length > 1;
  return el(
    'main',
    { id: 'dashboard', 'aria-label': 'Baton Dashboard' },
    view.notice === null ? null : noticeOf(view.notice, null),
    ...view.repositories.map((repository) => repositoryOf(repository, several)),
  );
}

function repositoryOf({ key, name, notice, board }: RepositoryView, several: boolean): HTMLElement {
  const heading = el('h1', {}, 'Baton · ', name);
  return el(
    'article',
    { 'data-key': key, 'aria-label': several ? `Repository ${name}` : name },
    board === null ? el('header', {}, heading) : headerOf(key, heading, board),
    notice === null ? null : noticeOf(notice, key),
    board === null ? null : tilesOf(key, board.tiles),
    board === null ? null : boardOf(key, board),
  );
}

function headerOf(repository: string, heading: HTMLElement, { loop }: BoardView): HTMLElement {
  return el(
    'header',
    {},
    heading,
    el('p', { class: `loop ${loop.tone}` }, el('span', { class: 'dot', 'aria-hidden': 'true' }), el('span', {}, loop.text), el('span', { class: 'muted number' }, loop.slots)),
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

function tileOf(repository: string, { label, value, detail, tone, command }: TileView): HTMLElement {
  const parts = [el('span', { class: 'label' }, label), el('span', { class: 'value number' }, value), el('span', { class: 'muted number' }, detail)];
  if (command === null) return el('div', { class: 'tile' }, ...parts);
  return button({ type: 'command', command, repository }, { class: `tile ${tone}`, 'aria-label': `${label}: ${value}, ${detail}` }, ...parts);
}

function boardOf(repository: string, board: BoardView): HTMLElement {
  const work = [
    section('Needs You', '', rows(board.decisions.map((row) => decisionOf(repository, row)), 'Nothing needs you. What agents ask and what waits for your approval shows here.')),
    section('Active', '', rows(board.active.map((row) => activeOf(repository, row)), 'Nobody is at work. A task shows here with its step, time and cost while an agent works on it.')),
    section('Recent Completions', '', rows(board.recent.map((row) => recentOf(repository, row)), 'Nothing has ended yet. Merged, failed and cancelled tasks show here, the latest first.')),
  ];
  const state = [section('Queue', 'wide', ...queueOf(repository, board)), section('Accounts', '', accountsOf(board.accounts)), section('Problems', '', problemsOf(repository, board.problems))];
  return el('div', { class: 'board' }, el('div', { class: 'column' }, ...work), el('div', { class: 'column' }, ...state));
}

function section(title: string, kind: string, ...content: readonly HTMLElement[]): HTMLElement {
  return el('section', { 'data-key': title, 'aria-label': title, class: kind }, el('h2', {}, title), ...content);
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
      { class: 'row', title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name' }, el('span', { class: 'mark attention', 'aria-hidden': 'true' }, '●'), title), el('span', { class: 'muted number' }, age)),
      el('span', { class: 'clip' }, goal),
      el('span', { class: 'muted clip number' }, `${task} · ${facts}`),
    ),
  );
}

function activeOf(repository: string, { task, goal, step, elapsed, cost, lastLine }: ActiveRow): HTMLElement {
  return el(
    'li',
    { 'data-key': task },
    button(
      { type: 'task', repository, task },
      { class: 'row', title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name' }, goal), el('span', { class: 'muted number' }, [elapsed, cost].filter((part) => part !== '').join(' · '))),
      el('span', { class: 'muted clip number' }, [task, step].filter((part) => part !== '').join(' · ')),
      lastLine === '' ? null : el('span', { class: 'clip code' }, lastLine),
    ),
  );
}

const OUTCOMES = { done: ['✓', 'Done'], failed: ['✗', 'Failed'], cancelled: ['–', 'Cancelled'] } as const;

function recentOf(repository: string, { task, goal, outcome, took, cost, ended }: RecentRow): HTMLElement {
  const [mark, word] = OUTCOMES[outcome];
  return el(
    'li',
    { 'data-key': task },
    button(
      { type: 'task', repository, task },
      { class: 'row', title: `${task}: ${goal}` },
      el('span', { class: 'line' }, el('span', { class: 'name' }, el('span', { class: `mark ${outcome}`, 'aria-hidden': 'true' }, mark), goal), el('span', { class: 'muted number' }, ended)),
      el('span', { class: 'muted clip number' }, [word, task, took, cost].filter((part) => part !== '').join(' · ')),
    ),
  );
}

function queueOf(repository: string, { queue, queueHidden }: BoardView): HTMLElement[] {
  if (queue.length === 0) return [el('p', { class: 'empty' }, 'No task waits. The next ones show here in their order, each with the reason why it is where it is.')];
  const head = [['#', 'number'], ['Score', 'number'], ['Task', ''], ['Wait', 'number'], ['Why', 'why']] as const;
  const table = el(
    'table',
    { 'aria-label': 'Tasks in the queue' },
    el('thead', {}, el('tr', {}, ...head.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name)))),
    el('tbody', {}, ...queue.map((row) => queueRowOf(repository, row))),
  );
  const more = el('p', { class: 'muted' }, `${queueHidden} more ${queueHidden === 1 ? 'task' : 'tasks'} in the queue. `, button({ type: 'command', command: 'showQueue', repository }, { class: 'link' }, 'Show Queue'));
  return queueHidden === 0 ? [table] : [table, more];
}

function queueRowOf(repository: string, { task, goal, position, score, wait, why }: QueueRow): HTMLElement {
  return el(
    'tr',
    { 'data-key': task },
    el('td', { class: 'number' }, position === '' ? '–' : position),
    el('td', { class: 'number' }, score),
    el('td', { class: 'task' }, button({ type: 'task', repository, task }, { class: 'link', title: task }, goal)),
    el('td', { class: 'number' }, wait),
    el('td', { class: 'muted why' }, why),
  );
}

function accountsOf(accounts: readonly AccountRow[]): HTMLElement {
  if (accounts.length === 0) return el('p', { class: 'empty' }, 'No account yet. Each agent belongs to one, and a provider’s limit holds that account only.');
  const items = accounts.map(({ name, held, text }) =>
    el('li', { 'data-key': name }, el('span', { class: `mark ${held ? 'attention' : 'done'}`, 'aria-hidden': 'true' }, held ? '◌' : '●'), el('span', { class: 'name' }, name), el('span', { class: 'muted number' }, text)),
  );
  return el('ul', { class: 'accounts' }, ...items);
}

function problemsOf(repository: string, { count, text }: ProblemsView): HTMLElement {
  if (count === 0) return el('p', { class: 'empty' }, text);
  return el('p', {}, button({ type: 'command', command: 'showProblems', repository }, { class: 'link' }, text));
}

/** A real button, so that keyboard and screen reader have it; what it sends is read by main.ts. */
function button(message: WebviewMessage, attributes: Readonly<Record<string, string>>, ...children: readonly (Node | string | null)[]): HTMLElement {
  return el('button', { type: 'button', 'data-message': JSON.stringify(message), ...attributes }, ...children);
}
