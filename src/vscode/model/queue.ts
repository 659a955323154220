/** The queue as a tree of plain nodes: repositories, groups, tasks, and what a task consists of. */
import type { GateCheck } from '../../core/execution.ts';
import type { FileChangeView, Snapshot, StepView, TaskView } from '../../shared/api.ts';
import { isQueued } from './actions.ts';
import { cost, elapsed, oneLine, sameDay } from './format.ts';
import { plural } from '../../core/format.ts';
import type { Presentation } from './presentation.ts';
import {
  GATE_ICONS,
  QUEUE_GROUPS,
  queueGroup,
  stepIcon,
  taskContext,
  taskDescription,
  taskIcon,
  taskStateWord,
  type QueueGroup,
} from './taskItem.ts';

/** Tasks that a group shows before its "Show More…": a view takes all children of a node at once. */
export const PAGE = 200;

/** What the queue shows of one repository. */
export interface QueueRepository {
  readonly key: string;
  readonly name: string;
  readonly snapshot: Snapshot | undefined;
  /** Said in place of tasks, for example why the repository could not be opened. */
  readonly notice: Notice | undefined;
}

export interface Notice {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  readonly command: string | undefined;
}

export type QueueNode =
  | { kind: 'repository'; id: string; repository: QueueRepository }
  | { kind: 'notice'; id: string; repository: string; notice: Notice }
  | { kind: 'group'; id: string; repository: string; group: QueueGroup; tasks: readonly TaskView[] }
  | { kind: 'more'; id: string; repository: string; group: QueueGroup; hidden: number }
  | { kind: 'task'; id: string; repository: string; task: TaskView }
  | { kind: 'step'; id: string; repository: string; task: TaskView; step: StepView; index: number }
  | { kind: 'gates'; id: string; repository: string; task: TaskView }
  | { kind: 'gate'; id: string; repository: string; task: TaskView; gate: GateCheck }
  | { kind: 'files'; id: string; repository: string; task: TaskView }
  | { kind: 'file'; id: string; repository: string; task: TaskView; file: FileChangeView; reviewed: boolean };

/** Roots of the view: one node a repository when there are several, else the groups themselves. Empty = a welcome text shows. */
export function queueRoots(repositories: readonly QueueRepository[], now: number): QueueNode[] {
  const [first, ...others] = repositories;
  if (first === undefined || !repositories.some((one) => one.notice !== undefined || (one.snapshot !== undefined && showsTasks(one.snapshot, now)))) return [];
  if (others.length === 0) return repositoryChildren(first, now);
  return repositories.map((repository) => ({ kind: 'repository', id: `repository/${repository.key}`, repository }));
}

/** True when the queue has at least one task to show; what was done before today is not shown. */
export function showsTasks(snapshot: Snapshot, now: number): boolean {
  return Object.values(groupTasks(snapshot.tasks, now)).some((tasks) => tasks.length > 0);
}

export function repositoryChildren(repository: QueueRepository, now: number): QueueNode[] {
  const nodes: QueueNode[] = [];
  const { key, notice, snapshot } = repository;
  const groups = groupTasks(snapshot?.tasks ?? [], now);
  for (const group of QUEUE_GROUPS) {
    const tasks = groups[group];
    if (tasks.length > 0) nodes.push({ kind: 'group', id: `${key}/${group}`, repository: key, group, tasks });
  }
  if (notice !== undefined) nodes.unshift({ kind: 'notice', id: `${key}/notice`, repository: key, notice });
  return nodes;
}

/** Tasks by group, each group in the order in which it is shown. `done` holds today's only. */
export function groupTasks(tasks: readonly TaskView[], now: number): Record<QueueGroup, TaskView[]> {
  const groups: Record<QueueGroup, TaskView[]> = { running: [], waiting: [], held: [], done: [], failed: [] };
  for (const task of tasks) {
    const group = queueGroup(task);
    if (group === 'done' && !sameDay(Date.parse(task.completed_at ?? task.created_at), now)) continue;
    groups[group].push(task);
  }
  groups.waiting.sort((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
  const newestFirst = (a: TaskView, b: TaskView) => (b.completed_at ?? '').localeCompare(a.completed_at ?? '');
  groups.done.sort(newestFirst);
  groups.failed.sort(newestFirst);
  return groups;
}

/** The first `limit` tasks of a group, then "Show More…" for the rest. */
export function groupChildren(node: Extract<QueueNode, { kind: 'group' }>, limit: number): QueueNode[] {
  const nodes: QueueNode[] = node.tasks.slice(0, limit).map((task) => taskNode(node.repository, task));
  const hidden = node.tasks.length - limit;
  if (hidden > 0) nodes.push({ kind: 'more', id: `${node.id}/more`, repository: node.repository, group: node.group, hidden });
  return nodes;
}

export function taskNode(repository: string, task: TaskView): Extract<QueueNode, { kind: 'task' }> {
  return { kind: 'task', id: taskNodeId(repository, task.id), repository, task };
}

export function taskNodeId(repository: string, taskId: string): string {
  return `${repository}/task/${taskId}`;
}

/** A task's steps, then its gates and changed files where there are any. */
export function taskChildren(node: Extract<QueueNode, { kind: 'task' }>): QueueNode[] {
  const { id, repository, task } = node;
  const nodes: QueueNode[] = task.steps.map((step, index) => ({ kind: 'step', id: `${id}/step/${step.step_id}`, repository, task, step, index }));
  if (task.gates.length > 0) nodes.push({ kind: 'gates', id: `${id}/gates`, repository, task });
  if (hasFiles(task)) nodes.push({ kind: 'files', id: `${id}/files`, repository, task });
  return nodes;
}

export function gateChildren(node: Extract<QueueNode, { kind: 'gates' }>): QueueNode[] {
  const { id, repository, task } = node;
  return task.gates.map((gate) => ({ kind: 'gate', id: `${id}/${gate.name}`, repository, task, gate }));
}

export function fileChildren(
  node: Extract<QueueNode, { kind: 'files' }>,
  files: readonly FileChangeView[],
  reviewed: (path: string) => boolean,
): QueueNode[] {
  const { id, repository, task } = node;
  return files.map((file) => ({ kind: 'file', id: `${id}/${file.path}`, repository, task, file, reviewed: reviewed(file.path) }));
}

function hasFiles(task: TaskView): boolean {
  return task.head_sha !== null && task.base_sha !== null && task.head_sha !== task.base_sha;
}

const GROUP_LABELS: Readonly<Record<QueueGroup, string>> = {
  running: 'Running',
  waiting: 'Waiting',
  held: 'Held',
  done: 'Done today',
  failed: 'Failed',
};

/** How a node looks. `now` is epoch milliseconds. */
export function presentNode(node: QueueNode, now: number): Presentation {
  switch (node.kind) {
    case 'repository': {
      const { notice, snapshot } = node.repository;
      const loop = snapshot?.loop;
      const children = repositoryChildren(node.repository, now).length > 0;
      const said = loop === undefined ? (notice === undefined ? 'not in use' : '') : `${loop.state.replaceAll('_', ' ')}${children ? '' : ' · no tasks'}`;
      return {
        id: node.id,
        label: node.repository.name,
        description: said,
        icon: { id: 'repo' },
        contextValue: `repository ${loop?.desired ?? 'closed'}`,
        collapsible: children ? 'expanded' : 'none',
      };
    }
    case 'notice':
      return {
        id: node.id,
        label: node.notice.label,
        description: node.notice.description,
        icon: { id: node.notice.icon },
        contextValue: 'notice',
        collapsible: 'none',
        ...(node.notice.command === undefined ? {} : { command: { id: node.notice.command, title: node.notice.label, args: [node] } }),
      };
    case 'group':
      return {
        id: node.id,
        label: GROUP_LABELS[node.group],
        description: String(node.tasks.length),
        contextValue: `group ${node.group}`,
        collapsible: node.group === 'done' ? 'collapsed' : 'expanded',
        spoken: `${GROUP_LABELS[node.group]}, ${plural(node.tasks.length, 'task')}`,
      };
    case 'more':
      return {
        id: node.id,
        label: 'Show More…',
        description: `${node.hidden} more`,
        icon: { id: 'ellipsis' },
        contextValue: 'more',
        collapsible: 'none',
        command: { id: 'baton.showMore', title: 'Show More', args: [node] },
      };
    case 'task':
      return presentTask(node, now);
    case 'step':
      return presentStep(node);
    case 'gates':
      return presentGates(node);
    case 'gate':
      return presentGate(node);
    case 'files':
      return { id: node.id, label: 'Files Changed', description: '', icon: { id: 'files' }, contextValue: 'files', collapsible: 'collapsed' };
    case 'file':
      return presentFile(node);
  }
}

function presentTask(node: Extract<QueueNode, { kind: 'task' }>, now: number): Presentation {
  const { task } = node;
  const description = taskDescription(task, now);
  return {
    id: node.id,
    label: oneLine(task.goal, 100),
    description,
    icon: taskIcon(task),
    contextValue: taskContext(task),
    collapsible: taskChildren(node).length > 0 ? 'collapsed' : 'none',
    spoken: `${taskStateWord(task)}: ${oneLine(task.goal, 100)}, ${description}`,
  };
}

function presentStep(node: Extract<QueueNode, { kind: 'step' }>): Presentation {
  const { step, task } = node;
  const again = step.attempt > 1 ? ` · attempt ${step.attempt}` : '';
  const spent = step.cost_usd === undefined ? '' : ` · ${cost(step.cost_usd, step.unpriced ?? false)}`;
  const description = `${step.state.replaceAll('_', ' ')}${again}${spent}`;
  return {
    id: node.id,
    label: `${node.index + 1}. ${oneLine(step.description, 100)}`,
    description,
    icon: stepIcon(step, task),
    contextValue: 'step',
    collapsible: 'none',
  };
}

function presentGates(node: Extract<QueueNode, { kind: 'gates' }>): Presentation {
  const passed = node.task.gates.filter((gate) => gate.status === 'passed').length;
  const failed = node.task.gates.some((gate) => gate.status === 'failed');
  return {
    id: node.id,
    label: 'Gates',
    description: `${passed} of ${node.task.gates.length} passed`,
    icon: failed ? { id: 'error', color: 'testing.iconFailed' } : { id: 'checklist' },
    contextValue: 'gates',
    collapsible: failed ? 'expanded' : 'collapsed',
  };
}

function presentGate(node: Extract<QueueNode, { kind: 'gate' }>): Presentation {
  const { gate } = node;
  const optional = gate.required ? '' : ' · not required';
  return {
    id: node.id,
    label: gate.name,
    description: `${gate.status} · ${elapsed(gate.seconds * 1000)}${gate.exit_code === null ? '' : ` · exit ${gate.exit_code}`}${optional}`,
    icon: GATE_ICONS[gate.status],
    contextValue: gate.log === null ? 'gate' : 'gate has-log',
    collapsible: 'none',
    ...(gate.log === null ? {} : { command: { id: 'baton.openGateLog', title: 'Open Gate Log', args: [node] } }),
  };
}

function presentFile(node: Extract<QueueNode, { kind: 'file' }>): Presentation {
  const { file } = node;
  const slash = file.path.lastIndexOf('/');
  const lines = file.added === null ? 'binary' : `+${file.added} −${file.removed ?? 0}`;
  const folder = slash === -1 ? '' : ` · ${file.path.slice(0, slash)}`;
  return {
    id: node.id,
    label: file.path.slice(slash + 1),
    // Why to look at it first; what needs no care needs no words.
    description: `${file.status} · ${lines}${folder}${file.level === undefined || file.level === 'low' ? '' : ` · ${file.level}: ${file.reason ?? ''}`}`,
    filePath: file.path,
    contextValue: 'file',
    collapsible: 'none',
    checked: node.reviewed,
    command: { id: 'baton.openFileChange', title: 'Open Change', args: [node] },
  };
}

/**
 * Where dropped tasks go: the first dragged task takes the target's place, so it lands before a target above it and after a
 * target below it. Null = the end of the queue; undefined = the drop changes nothing.
 */
export function dropBefore(tasks: readonly TaskView[], dragged: readonly string[], target: string | null): string | null | undefined {
  const queue = tasks.filter(isQueued).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  if (target === null) return null;
  const to = queue.findIndex((task) => task.id === target);
  const from = queue.findIndex((task) => task.id === dragged[0]);
  if (to === -1 || from === -1 || dragged.includes(target)) return undefined;
  if (from > to) return target;
  const next = queue.slice(to + 1).find((task) => !dragged.includes(task.id));
  return next?.id ?? null;
}

/**
 * A drawn row gets new buttons, so a click during which it is drawn is lost: often enough to be live, rarely enough to be clicked.
 * In ms.
 */
const LIVE = 5000;

/** How often the visible queue must be drawn again though nothing happened, in ms; null = never. */
export function tickEvery(repositories: readonly QueueRepository[], now: number): number | null {
  let every: number | null = null;
  for (const { snapshot } of repositories) {
    for (const task of snapshot?.tasks ?? []) {
      const group = queueGroup(task);
      const countdown = group === 'held' && task.not_before !== null && Date.parse(task.not_before) > now;
      if (group === 'running' || countdown) return LIVE;
      if (group === 'waiting' || group === 'held') every = 60_000;
    }
  }
  return every;
}
