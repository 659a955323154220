import assert from 'node:assert/strict';
import { Channel } from '../../../src/adapters/agents/channel.ts';
import { isNewEnough } from '../../../src/adapters/process/node.ts';
import type { ToRunner } from '../../../src/adapters/runner/protocol.ts';
import { RemoteSession } from '../../../src/adapters/runner/remoteSession.ts';
import { messageIn, type StoredEntry } from '../../../src/adapters/runs/transcript.ts';
import { BatonError, errorFromData, errorToData } from '../../../src/core/errors.ts';

const entry = (type: string, more: Record<string, unknown> = {}): StoredEntry => ({ seq: 3, at: '2026-01-01T00:00:00.000Z', type, ...more });

describe('the program of a runner', () => {
  it('is a Node of the system from 22.13 on, and none that tells no version', () => {
    for (const version of ['v22.13.0\n', 'v22.20.1', 'v24.0.0', 'v100.1.0']) assert.equal(isNewEnough(version), true, version);
    for (const version of ['v22.12.9', 'v20.20.2', 'v8.17.0', '', 'node: not found']) assert.equal(isNewEnough(version), false, version);
  });
});

describe('the line between engine and runner', () => {
  it('carries an error of Baton whole, and any other as internal', () => {
    const error = errorFromData(errorToData(new BatonError('not_found', 'It is gone.', { hint: 'Look elsewhere.' })));
    assert.deepEqual([error.kind, error.message, error.hint], ['not_found', 'It is gone.', 'Look elsewhere.']);
    assert.deepEqual(errorToData(new Error('broken')), { kind: 'internal', message: 'broken' });
  });
});

describe('the session of an agent under a runner', () => {
  const make = (isAlive: () => Promise<boolean> = () => Promise.resolve(false)): { readonly session: RemoteSession; readonly sent: ToRunner[] } => {
    const sent: ToRunner[] = [];
    const link = { send: (message: ToRunner) => void sent.push(message), close: () => Promise.resolve() };
    return { session: new RemoteSession(link, { runner: { pid: 0, started: 'never' }, mark: 'test:none', files: [], isAlive }), sent };
  };

  it('looks for the runner’s process only when the line to it has ended, since a look may start a program', async () => {
    let looks = 0;
    const { session, sent } = make(() => Promise.resolve((looks += 1) < 3));
    const killed = session.kill('Stop.');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual([sent, looks], [[{ type: 'kill', reason: 'Stop.' }], 0]);
    session.take({ type: 'message', seq: 1, message: { type: 'end', end: { ok: false, result: '', exit_code: null } } });
    session.lost();
    await killed;
    assert.equal(looks, 3);
  });

  it('tells the runner other rules, unless its agent has ended', () => {
    const { session, sent } = make();
    session.rules([{ tool: 'shell', then: 'deny' }], []);
    session.take({ type: 'message', seq: 1, message: { type: 'end', end: { ok: true, result: '', exit_code: 0 } } });
    session.rules([], []);
    assert.deepEqual(sent, [{ type: 'rules', permissions: [{ tool: 'shell', then: 'deny' }], granted: [] }]);
  });
});

describe('an entry of a transcript', () => {
  it('is the agent’s message again, without what the transcript adds', () => {
    assert.deepEqual(messageIn(entry('text', { text: 'Hello' })), { type: 'text', text: 'Hello' });
  });

  it('is none where it is the prompt or belongs to a permission: who asks still, only its runner knows', () => {
    for (const type of ['prompt', 'permission', 'permission_answer', 'permission_withdrawn']) assert.equal(messageIn(entry(type)), undefined, type);
  });
});

describe('the channel of an agent that is left', () => {
  it('ends without an end, and says nothing more', async () => {
    const channel = new Channel();
    channel.push({ type: 'text', text: 'never read' });
    channel.close();
    channel.end({ ok: true, result: '', exit_code: 0 });
    const heard = [];
    for await (const message of channel) heard.push(message);
    assert.deepEqual(heard, []);
  });
});
