import assert from 'node:assert/strict';
import { presentStatus, statusOf, statusTooltip, type StatusInput } from '../../../src/vscode/model/status.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { awaitingMerge, running, snapshot, started, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const LOOP = snapshot(NOW).loop;
const input = (...snapshots: Snapshot[]): StatusInput => ({
  trusted: true,
  repositories: snapshots.map((one) => ({ name: one.repository.name, opening: false, failure: undefined, snapshot: one })),
});
const text = (given: StatusInput) => presentStatus(statusOf(given))?.text;

describe('The status bar', () => {
  it('shows running and waiting tasks', () => {
    const tasks = [running('a', NOW), running('b', NOW), running('c', NOW), taskView('d', NOW), taskView('e', NOW)];
    assert.equal(text(input(snapshot(NOW, tasks))), '$(sync~spin) Baton 3▸ 2⋯');
  });

  it('puts what needs the user before everything but a fault, with a warning background, and leads to Needs You', () => {
    const bar = presentStatus(statusOf(input(snapshot(NOW, [running('a', NOW), awaitingMerge('b', NOW), awaitingMerge('c', NOW)]))));
    assert.equal(bar?.text, '$(bell-dot) Baton: 2 need you');
    assert.equal(bar.background, 'statusBarItem.warningBackground');
    assert.equal(bar.command, 'baton.showNeedsYou');
    assert.equal(text(input(snapshot(NOW, [awaitingMerge('b', NOW)]))), '$(bell-dot) Baton: 1 needs you');
  });

  it('shows idle, paused and stopped', () => {
    assert.equal(text(input(snapshot(NOW, []))), '$(check) Baton idle');
    assert.equal(text(input(snapshot(NOW, [], { loop: { ...LOOP, desired: 'paused', state: 'paused' } }))), '$(debug-pause) Baton paused');
    assert.equal(text(input(snapshot(NOW, [], { loop: { ...LOOP, desired: 'stopped', state: 'stopped', reason: 'stopped by the user' } }))), '$(debug-stop) Baton stopped');
  });

  it('uses the error background only for a stop that the user did not ask for', () => {
    const bar = presentStatus(statusOf(input(snapshot(NOW, [], { loop: { ...LOOP, desired: 'stopped', state: 'stopped', reason: 'the file .claude_stop is there' } }))));
    assert.equal(bar?.text, '$(error) Baton stopped: the file .claude_stop is there');
    assert.equal(bar.background, 'statusBarItem.errorBackground');
    const broken = presentStatus(statusOf({ trusted: true, repositories: [{ name: 'x', opening: false, failure: 'The database is locked by another program of this machine.', snapshot: undefined }] }));
    assert.equal(broken?.background, 'statusBarItem.errorBackground');
    assert.match(broken.text, /^\$\(error\) Baton stopped: The database is locked by another.*…$/);
  });

  it('says degraded while an account is on hold, files have errors or no agent is there', () => {
    const closed = snapshot(NOW, [running('a', NOW)], { accounts: [{ account: 'anthropic', closed: true, closed_until: new Date(NOW + 60_000).toISOString(), reason: 'usage limit' }] });
    assert.equal(text(input(closed)), '$(warning) Baton degraded 1▸');
    assert.match(statusTooltip(input(closed), NOW), /account anthropic on hold until \d\d:\d\d/);
  });

  it('says degraded or unhealthy while checks of a running loop fail, and shows every check with its value in the tooltip', () => {
    const { health, loop } = snapshot(NOW);
    const ailing = (status: 'degraded' | 'unhealthy') =>
      ({ ...health, status, checks: { ...health.checks, task_backlog: { ok: false, message: '21 tasks pending (limit 20)' } } }) as const;
    const bar = presentStatus(statusOf(input(snapshot(NOW, [running('a', NOW)], { health: ailing('degraded') }))));
    assert.deepEqual([bar?.text, bar?.spoken], ['$(warning) Baton degraded 1▸', 'Baton is degraded: 21 tasks pending (limit 20)']);
    assert.equal(bar?.background, undefined);
    assert.equal(text(input(snapshot(NOW, [running('a', NOW)], { health: ailing('unhealthy') }))), '$(error) Baton unhealthy 1▸');
    assert.equal(text(input(snapshot(NOW, [], { health: ailing('unhealthy'), loop: { ...loop, desired: 'paused', state: 'paused' } }))), '$(debug-pause) Baton paused');
    const tip = statusTooltip(input(snapshot(NOW, [], { health: ailing('degraded') })), NOW);
    assert.match(tip, /- \$\(warning\) degraded\n {2}- \$\(check\) .*\n {2}- \$\(warning\) 21 tasks pending \\\(limit 20\\\)\n/);
  });

  it('is hidden where Baton has nothing to say: no repository in use, or Restricted Mode', () => {
    assert.equal(text({ trusted: true, repositories: [] }), undefined);
    assert.equal(text({ ...input(snapshot(NOW)), trusted: false }), undefined);
    assert.equal(text({ trusted: true, repositories: [{ name: 'x', opening: false, failure: undefined, snapshot: undefined }] }), undefined);
  });

  it('invites to start when nothing was ever started', () => {
    const loop = { ...LOOP, desired: 'stopped', state: 'never_started' } as const;
    assert.equal(text(input(snapshot(NOW, [taskView('a', NOW)], { loop }))), '$(play) Baton: start 1 task');
  });

  it('adds up several repositories', () => {
    assert.equal(text(input(snapshot(NOW, [running('a', NOW)]), snapshot(NOW, [running('b', NOW), taskView('c', NOW)]))), '$(sync~spin) Baton 2▸ 1⋯');
  });

  it('tells in its tooltip loop, slots and cost, links only commands that apply, and escapes outside text', () => {
    const given = input(snapshot(NOW, [running('a', NOW)], { loop: { ...LOOP, reason: '[x](command:evil)' } }));
    const tip = statusTooltip(given, NOW);
    assert.match(tip, /2 of 5 slots in use/);
    assert.match(tip, /\$1\.02 today/);
    assert.match(tip, /\[Pause\]\(command:baton\.pause\) · \[Stop Now\]\(command:baton\.stopNow\)/);
    assert.ok(!tip.includes('(command:baton.start)'));
    assert.ok(!tip.includes('](command:evil)'));
  });

  it('counts finished and failed tasks as nothing to do', () => {
    assert.equal(text(input(snapshot(NOW, [started('a', NOW, { state: 'done', group: 'done' }), started('b', NOW, { state: 'failed', group: 'failed' })]))), '$(check) Baton idle');
  });
});
