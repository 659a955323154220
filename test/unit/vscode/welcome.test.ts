import assert from 'node:assert/strict';
import { noticeOf, queueMessage, welcomeOf, type WelcomeInput } from '../../../src/vscode/model/welcome.ts';
import { snapshot, started, taskView } from '../../support/snapshotEngine.ts';

const NOW = Date.parse('2030-05-17T12:30:00.000Z');
const LOOP = snapshot(NOW).loop;
const base: WelcomeInput = { trusted: true, folders: ['repository'], repositories: [{ opening: false, failure: undefined, snapshot: snapshot(NOW, []) }] };
const withSnapshot = (changes: Parameters<typeof snapshot>[2]): WelcomeInput => ({ ...base, repositories: [{ opening: false, failure: undefined, snapshot: snapshot(NOW, [], changes) }] });

describe('The welcome of the empty queue', () => {
  it('asks for a folder, for trust, for git and for a repository, in this order', () => {
    assert.equal(welcomeOf({ ...base, folders: [], repositories: [] }, NOW), 'no_folder');
    assert.equal(welcomeOf({ ...base, trusted: false }, NOW), 'untrusted');
    assert.equal(welcomeOf({ ...base, folders: ['no_git'], repositories: [] }, NOW), 'no_git');
    assert.equal(welcomeOf({ ...base, folders: ['old_git'], repositories: [] }, NOW), 'old_git');
    assert.equal(welcomeOf({ ...base, folders: ['not_repository'], repositories: [] }, NOW), 'not_repository');
    assert.equal(welcomeOf({ ...base, folders: ['checking'], repositories: [] }, NOW), 'checking');
  });

  it('invites to a first task in a repository that Baton has not touched', () => {
    assert.equal(welcomeOf({ ...base, repositories: [{ opening: false, failure: undefined, snapshot: undefined }] }, NOW), 'not_in_use');
  });

  it('says that no agent is there, that nothing was started, or that there is no task', () => {
    assert.equal(welcomeOf(withSnapshot({ agents: [] }), NOW), 'no_agent');
    assert.equal(welcomeOf(withSnapshot({ loop: { ...LOOP, state: 'never_started', desired: 'stopped' } }), NOW), 'never_started');
    assert.equal(welcomeOf(base, NOW), 'no_tasks');
    const old = started('a', NOW, { state: 'done', group: 'done', completed_at: new Date(NOW - 3 * 86_400_000).toISOString() });
    const past: WelcomeInput = { ...base, repositories: [{ opening: false, failure: undefined, snapshot: snapshot(NOW, [old]) }] };
    assert.equal(welcomeOf(past, NOW), 'no_tasks', 'what was done before today is not shown');
  });
});

describe('The notice over a queue', () => {
  it('names what keeps every task from running, most basic first', () => {
    const tasks = [taskView('a', NOW)];
    const notice = (changes: Parameters<typeof snapshot>[2]) => noticeOf({ opening: false, failure: undefined, snapshot: snapshot(NOW, tasks, changes) })?.label;
    assert.equal(notice({ agents: [] }), 'No coding agent found');
    assert.equal(notice({ loop: { ...LOOP, state: 'never_started', desired: 'stopped' } }), 'Nothing runs before you start Baton');
    assert.equal(notice({}), undefined);
    assert.equal(noticeOf({ opening: false, failure: 'Broken.', snapshot: undefined })?.description, 'Broken.');
  });

  it('says over the queue that the loop is paused or stopped, and by what', () => {
    const message = (loop: Partial<typeof LOOP>) => queueMessage([snapshot(NOW, [taskView('a', NOW)], { loop: { ...LOOP, ...loop } })]);
    assert.match(message({ state: 'paused' }) ?? '', /^Paused/);
    assert.match(message({ state: 'stopped', reason: 'the file .claude_stop is there' }) ?? '', /\.claude_stop/);
    assert.match(message({ state: 'stopped', reason: 'stopped by the user' }) ?? '', /^Stopped\. Start/);
    assert.equal(message({}), undefined);
  });
});
