import assert from 'node:assert/strict';
import {
  PAGE,
  dropBefore,
  fileChildren,
  groupChildren,
  groupTasks,
  presentNode,
  queueRoots,
  repositoryChildren,
  taskChildren,
  taskNode,
  tickEvery,
  type QueueNode,
  type QueueRepository,
} from '../../../src/vscode/model/queue.ts';
import { awaitingMerge, everyState, running, snapshot, started, taskView } from '../../support/snapshotEngine.ts';
import type { TaskView } from '../../../src/shared/api.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const repository = (tasks: readonly TaskView[], key = 'shop'): QueueRepository => ({ key, name: key, snapshot: snapshot(NOW, tasks), notice: undefined });
const look = (node: QueueNode) => presentNode(node, NOW);

describe('The queue', () => {
  it('groups tasks into Running, Waiting, Held, Done today and Failed, in this order, and hides empty groups', () => {
    const roots = queueRoots([repository(everyState(NOW))], NOW);
    assert.deepEqual(roots.map((node) => [look(node).label, look(node).description]), [
      ['Running', '3'],
      ['Waiting', '3'],
      ['Held', '4'],
      ['Done today', '1'],
      ['Failed', '2'],
    ]);
    assert.deepEqual(queueRoots([repository([taskView('a', NOW, { position: 1 })])], NOW).map((node) => look(node).label), ['Waiting']);
  });

  it('is empty, so that the welcome text shows, when there is no task', () => {
    assert.deepEqual(queueRoots([repository([])], NOW), []);
    assert.deepEqual(queueRoots([], NOW), []);
  });

  it('has a root node for each repository only when there are several', () => {
    const two = queueRoots([repository([running('a', NOW)], 'one'), repository([running('b', NOW)], 'two')], NOW);
    assert.deepEqual(two.map((node) => look(node).label), ['one', 'two']);
    assert.deepEqual(two.map((node) => node.kind), ['repository', 'repository']);
  });

  it('shows a repository without tasks beside one that has some, and says so', () => {
    const unused = { key: 'unused', name: 'unused', snapshot: undefined, notice: undefined };
    const roots = queueRoots([repository([running('a', NOW)], 'one'), repository([], 'empty'), unused], NOW);
    assert.deepEqual(roots.map((node) => [look(node).label, look(node).description, look(node).collapsible]), [
      ['one', 'running', 'expanded'],
      ['empty', 'running · no tasks', 'none'],
      ['unused', 'not in use', 'none'],
    ]);
    assert.deepEqual(queueRoots([repository([], 'empty'), unused], NOW), []);
  });

  it('orders waiting tasks by their position and finished ones newest first', () => {
    const at = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
    const groups = groupTasks(
      [
        taskView('second', NOW, { position: 2 }),
        taskView('first', NOW, { position: 1 }),
        started('early', NOW, { state: 'done', group: 'done', completed_at: at(9) }),
        started('late', NOW, { state: 'done', group: 'done', completed_at: at(1) }),
      ],
      NOW,
    );
    assert.deepEqual(groups.waiting.map(({ id }) => id), ['first', 'second']);
    assert.deepEqual(groups.done.map(({ id }) => id), ['late', 'early']);
  });

  it('leaves out what was done before today', () => {
    assert.deepEqual(groupTasks(everyState(NOW), NOW).done.map(({ id }) => id), ['bump-deps']);
  });

  it('shows 200 tasks of a group, then Show More for the rest', () => {
    const [group] = repositoryChildren(repository(Array.from({ length: 450 }, (_, n) => taskView(`t${n}`, NOW, { position: n + 1 }))), NOW);
    assert.ok(group?.kind === 'group');
    const page = groupChildren(group, PAGE);
    assert.equal(page.length, 201);
    const last = page.at(-1);
    assert.ok(last?.kind === 'more');
    assert.deepEqual([look(last).label, look(last).description], ['Show More…', '250 more']);
    assert.equal(groupChildren(group, 3 * PAGE).length, 450);
  });

  it('keeps ids through changes of state and name, and gives no two nodes the same', () => {
    const before = taskNode('shop', taskView('a', NOW, { goal: 'Old' }));
    const after = taskNode('shop', running('a', NOW, { goal: 'New' }));
    assert.equal(before.id, after.id);
    const all: string[] = [];
    const visit = (node: QueueNode): void => {
      all.push(node.id);
      if (node.kind === 'group') groupChildren(node, PAGE).forEach(visit);
      if (node.kind === 'task') taskChildren(node).forEach(visit);
    };
    queueRoots([repository(everyState(NOW))], NOW).forEach(visit);
    assert.equal(new Set(all).size, all.length);
  });

  it('shows under a task its steps with their states, then gates, then changed files', () => {
    const children = taskChildren(taskNode('shop', awaitingMerge('a', NOW)));
    assert.deepEqual(children.map((node) => [look(node).label, look(node).description]), [
      ['1. Implement the task', 'completed'],
      ['Gates', '3 of 3 passed'],
      ['Files Changed', ''],
    ]);
    assert.deepEqual(taskChildren(taskNode('shop', taskView('b', NOW))), []);
  });

  it('shows changed files with a tick for the reviewed ones', () => {
    const [, , files] = taskChildren(taskNode('shop', awaitingMerge('a', NOW)));
    assert.ok(files?.kind === 'files');
    const nodes = fileChildren(files, [{ path: 'src/price.js', status: 'modified', added: 3, removed: 1 }, { path: 'logo.png', status: 'added', added: null, removed: null }], (path) => path === 'logo.png');
    assert.deepEqual(nodes.map((node) => [look(node).label, look(node).description, look(node).checked]), [
      ['price.js', 'modified · +3 −1 · src', false],
      ['logo.png', 'added · binary', true],
    ]);
  });

  it('lets nothing spin in a task at which nobody works', () => {
    const idle = started('a', NOW, { state: 'implementing', group: 'waiting' });
    const looks = [taskNode('shop', idle), ...taskChildren(taskNode('shop', idle))].map(look);
    assert.ok(looks.every(({ icon }) => icon === undefined || !icon.id.endsWith('~spin')));
  });

  it('puts a notice above the groups', () => {
    const noticed = { ...repository([taskView('a', NOW)]), notice: { label: 'No coding agent found', description: '', icon: 'warning', command: 'baton.installAgent' } };
    assert.deepEqual(queueRoots([noticed], NOW).map((node) => node.kind), ['notice', 'group']);
  });
});

describe('Dropping tasks in the queue', () => {
  const tasks = ['a', 'b', 'c', 'd'].map((id, index) => taskView(id, NOW, { position: index + 1 }));

  it('puts a task dragged up before the one it is dropped on', () => {
    assert.equal(dropBefore(tasks, ['d'], 'b'), 'b');
  });

  it('puts a task dragged down after the one it is dropped on', () => {
    assert.equal(dropBefore(tasks, ['a'], 'b'), 'c');
    assert.equal(dropBefore(tasks, ['a'], 'd'), null);
  });

  it('puts tasks dropped on the group at the end', () => {
    assert.equal(dropBefore(tasks, ['a'], null), null);
  });

  it('changes nothing when a task is dropped on itself or on one that does not wait', () => {
    assert.equal(dropBefore(tasks, ['b'], 'b'), undefined);
    assert.equal(dropBefore([...tasks, running('r', NOW)], ['b'], 'r'), undefined);
  });
});

describe('The clock of the queue', () => {
  it('ticks every five seconds while something runs or counts down, each minute while something waits, else not at all', () => {
    assert.equal(tickEvery([repository([running('a', NOW)])], NOW), 5000);
    assert.equal(tickEvery([repository([taskView('a', NOW, { group: 'held', not_before: new Date(NOW + 5000).toISOString() })])], NOW), 5000);
    assert.equal(tickEvery([repository([taskView('a', NOW)])], NOW), 60_000);
    assert.equal(tickEvery([repository([started('a', NOW, { state: 'done', group: 'done' })])], NOW), null);
    assert.equal(tickEvery([], NOW), null);
  });
});
