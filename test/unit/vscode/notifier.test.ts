import assert from 'node:assert/strict';
import type { QuietHours } from '../../../src/core/quietHours.ts';
import { Notifier, type NotificationAnswer, type WaitingDecision } from '../../../src/vscode/model/notifier.ts';
import { FakeClock } from '../../support/fakeClock.ts';

const decision = (id: string, inView = false): WaitingDecision => ({ id, title: `Approve merge, ${id}`, inView });

/** A notifier whose day begins with the clock. */
function makeNotifier(options: { quiet?: QuietHours } = {}) {
  const clock = new FakeClock();
  const shown: string[] = [];
  const answers: NotificationAnswer[] = [];
  const state = { open: [] as WaitingDecision[], mayTell: true, answer: (() => undefined) as (answer: NotificationAnswer) => void };
  const notifier = new Notifier({
    clock,
    decisions: () => state.open,
    mayTell: () => state.mayTell,
    quietHours: () => options.quiet,
    minuteOfDay: (now) => Math.floor(now / 60_000) % 1440,
    show: (open, only) => {
      shown.push(only?.title ?? String(open));
      return new Promise((resolve) => {
        state.answer = resolve;
      });
    },
    answered: (answer) => answers.push(answer),
  });
  const open = (...decisions: WaitingDecision[]): void => {
    state.open = decisions;
    notifier.update();
  };
  return { clock, shown, answers, state, open };
}

describe('Notifications of decisions (row 240)', () => {
  it('tell of a single decision by its name, and only once', async () => {
    const { clock, shown, open } = makeNotifier();
    open(decision('a'));
    await clock.advance(3000);
    assert.deepEqual(shown, ['Approve merge, a']);
    open(decision('a'));
    await clock.advance(600_000);
    assert.equal(shown.length, 1);
  });

  it('put what comes together into one', async () => {
    const { clock, shown, open } = makeNotifier();
    open(decision('a'));
    await clock.advance(1000);
    open(decision('a'), decision('b'));
    await clock.advance(1000);
    open(decision('a'), decision('b'), decision('c'));
    await clock.advance(10_000);
    assert.deepEqual(shown, ['3']);
  });

  it('leave out what the user sees, and what was answered before they come', async () => {
    const { clock, shown, open } = makeNotifier();
    open(decision('a', true));
    await clock.advance(10_000);
    open(decision('b'));
    open();
    await clock.advance(10_000);
    assert.deepEqual(shown, []);
    open(decision('a', true), decision('b'));
    await clock.advance(10_000);
    assert.deepEqual(shown, ['2']);
  });

  it('come as soon as quiet hours are taken away, without waiting for the end that they had', async () => {
    const options: { quiet?: QuietHours } = { quiet: { from: 0, to: 7 * 60 } };
    const { clock, shown, open } = makeNotifier(options);
    open(decision('a'));
    await clock.advance(10_000);
    assert.deepEqual(shown, []);
    delete options.quiet;
    open(decision('a'));
    await clock.advance(3000);
    assert.deepEqual(shown, ['Approve merge, a']);
  });

  it('do not come in quiet hours; what came in them is told when they end, if it still waits', async () => {
    const { clock, shown, open } = makeNotifier({ quiet: { from: 0, to: 7 * 60 } });
    open(decision('a'));
    await clock.advance(6 * 3_600_000);
    open(decision('b'));
    await clock.advance(3_599_000);
    assert.deepEqual(shown, []);
    await clock.advance(10_000);
    assert.deepEqual(shown, ['Approve merge, b']);
  });

  it('come one at a time: the next one only when the first was answered or has surely left the screen', async () => {
    const { clock, shown, state, open } = makeNotifier();
    open(decision('a'));
    await clock.advance(3000);
    open(decision('a'), decision('b'));
    await clock.advance(20_000);
    assert.equal(shown.length, 1);
    state.answer(undefined);
    await clock.advance(5000);
    assert.deepEqual(shown, ['Approve merge, a', '2']);
    open(decision('a'), decision('b'), decision('c'));
    await clock.advance(50_000);
    assert.equal(shown.length, 2);
    await clock.advance(20_000);
    assert.deepEqual(shown.at(-1), '3');
  });

  it('hand over what was chosen, and stay away where they may not come', async () => {
    const { clock, shown, answers, state, open } = makeNotifier();
    open(decision('a'));
    await clock.advance(3000);
    state.answer('never');
    await clock.advance(0);
    assert.deepEqual(answers, ['never']);
    state.mayTell = false;
    open(decision('b'));
    await clock.advance(10_000);
    assert.equal(shown.length, 1);
  });
});
