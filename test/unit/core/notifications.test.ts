import assert from 'node:assert/strict';
import { newExecution } from '../../../src/core/execution.ts';
import { notificationEvent, notificationOf, webhookBody, type NotifiableEvent } from '../../../src/core/notifications.ts';

const event = (type: string, data: Record<string, unknown> = {}, task_id: string | null = null): NotifiableEvent => ({ at: '2026-01-02T03:04:05.006Z', type, task_id, data });
const task = newExecution({ id: 'fix', goal: 'Fix <b> & co' }, 'hash', '2026-01-01T00:00:00.000Z');

describe('Notifications', () => {
  it('tell failures, completions, decisions and the orchestrator’s own events, and nothing else', () => {
    const names = [
      event('task_state', { to: 'failed', error: 'gates_failed' }),
      event('task_state', { to: 'failed', error: 'cancelled' }),
      event('task_state', { to: 'done' }),
      event('task_state', { to: 'planning' }),
      event('decision_opened'),
      event('orchestrator_started'),
      event('orchestrator_paused'),
      event('orchestrator_stopped'),
      event('health_degraded'),
      event('budget_exceeded'),
      event('attempt_ended'),
    ].map(notificationEvent);
    assert.deepEqual(names, [
      'task_failed',
      undefined,
      'task_completed',
      undefined,
      'human_review',
      'orchestrator_started',
      undefined,
      'orchestrator_stopped',
      'health_degraded',
      'budget_exceeded',
      undefined,
    ]);
  });

  it('say in a sentence what happened to which task', () => {
    const failed = notificationOf(event('task_state', { from: 'quality_gate', to: 'failed', why: 'the gates failed 3 times' }, 'fix'), task, 'shop');
    assert.deepEqual(failed, {
      event: 'task_failed',
      at: '2026-01-02T03:04:05.006Z',
      repository: 'shop',
      message: 'Task fix (Fix <b> & co) failed: the gates failed 3 times',
      task: { id: 'fix', goal: 'Fix <b> & co', state: 'new', total_cost_usd: 0, branch: null },
      data: { from: 'quality_gate', to: 'failed', why: 'the gates failed 3 times' },
    });
    assert.equal(notificationOf(event('orchestrator_stopped', { reason: 'Ctrl-C' }), undefined, 'shop')?.message, 'Baton has stopped: Ctrl-C');
    assert.equal(notificationOf(event('decision_opened', { question: 'May it?' }, 'gone'), undefined, 'shop')?.message, 'Task gone needs a human: May it?');
  });

  it('have Slack’s shape for Slack’s addresses only, with its control characters escaped (row 97)', () => {
    const message = notificationOf(event('task_state', { to: 'failed', why: 'no' }, 'fix'), task, 'shop');
    assert.ok(message);
    const slack = JSON.parse(webhookBody(message, 'https://hooks.slack.com/services/T0/B0/x', 'id-1')) as { text: string; blocks: { text: { text: string } }[] };
    assert.equal(slack.text, 'shop: Task fix (Fix &lt;b&gt; &amp; co) failed: no');
    assert.equal(slack.blocks[0]?.text.text, ':x: *shop*\nTask fix (Fix &lt;b&gt; &amp; co) failed: no');
    assert.equal((JSON.parse(webhookBody(message, 'https://hooks.slack.com.evil.example/', 'id-1')) as { id?: string }).id, 'id-1');
  });
});
