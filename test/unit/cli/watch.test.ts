import assert from 'node:assert/strict';
import { BatonError } from '../../../src/core/errors.ts';
import { cli, type CliRun, type CliWorld } from '../../support/cli.ts';
import { documentOf, queueSchema } from '../../support/cliSchemas.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { AT, MemoryEngine, memorySession, taskView } from '../../support/memoryEngine.ts';
import { Screen } from '../../support/screen.ts';

const SECOND = 1000;

interface Watching {
  readonly clock: FakeClock;
  readonly screen: Screen;
  readonly out: { text: string };
  /** Lets time pass. */
  after(seconds: number): Promise<void>;
  /** Ctrl-C; resolves with how the command ended. */
  interrupt(): Promise<CliRun>;
  resize(columns: number): Promise<void>;
}

/** Runs a watching command until it is interrupted. */
function watch(engine: MemoryEngine, argv: readonly string[], world: CliWorld = {}): Watching {
  const clock = new FakeClock(Date.parse(AT));
  const size = { columns: 100 };
  const screen = new Screen(100);
  const out = { text: '' };
  let interrupt = (): void => undefined;
  let resized = (): void => undefined;
  const run = cli(engine, argv, {
    clock,
    columns: () => size.columns,
    isTTY: true,
    signals: (send) => (interrupt = () => send('interrupt')),
    resized: (tell) => (resized = tell),
    watch: (text) => {
      out.text += text;
      screen.write(text);
    },
    ...world,
  });
  return {
    clock,
    screen,
    out,
    after: (seconds) => clock.advance(seconds * SECOND),
    interrupt: async () => {
      interrupt();
      await clock.advance(0);
      return run;
    },
    resize: async (columns) => {
      size.columns = columns;
      resized();
      await clock.advance(0);
    },
  };
}

const pictures = (text: string): number => text.split('\x1b[H').length - 1;

describe('baton queue --watch', () => {
  it('shows the queue again after each interval of the configuration (rows 53, 94)', async () => {
    const engine = new MemoryEngine([taskView('a')]);
    const watching = watch(engine, ['queue', '--watch']);
    await watching.after(0);
    assert.ok(watching.screen.text().some((line) => line.includes('| a ')));
    for (const wait of [4, 5]) {
      engine.silently(({ at }) => ({ at: new Date(Date.parse(at) + wait * 60_000).toISOString() }));
      await watching.after(wait);
    }
    // After 4 s nothing is due, after 9 s one picture is.
    assert.equal(pictures(watching.out.text), 2);
    assert.ok(watching.screen.text().some((line) => line.includes('9m')));
    await watching.interrupt();
  });

  it('takes --interval before the configuration (row 72)', async () => {
    const engine = new MemoryEngine([taskView('a')], { dashboard: { refresh_interval: 60, max_recent_tasks: 10 } });
    const watching = watch(engine, ['queue', '--watch', '--interval', '2']);
    await watching.after(0);
    engine.silently(() => ({ at: new Date(Date.parse(AT) + 120_000).toISOString() }));
    await watching.after(2);
    assert.ok(watching.screen.text().some((line) => line.includes('2m')));
    await watching.interrupt();
  });

  it('shows a change at once where a leader tells of it', async () => {
    const engine = new MemoryEngine([taskView('a')]);
    const watching = watch(engine, ['queue', '--watch']);
    await watching.after(0);
    engine.update(({ tasks }) => ({ tasks: [...tasks, taskView('b', { position: 2 })] }));
    await watching.after(0);
    assert.ok(watching.screen.text().some((line) => line.includes('| b ')));
    await watching.interrupt();
    assert.equal(engine.listening, 0);
  });

  it('is drawn anew for another size of the terminal', async () => {
    const watching = watch(new MemoryEngine([taskView('a', { why: 'Because of a reason that is a good deal longer than what is left.' })]), ['queue', '--watch']);
    await watching.after(0);
    await watching.resize(50);
    const last = watching.out.text.slice(watching.out.text.lastIndexOf('\x1b[H'));
    assert.ok(last.includes('| # | Score | Task'));
    for (const line of last.replaceAll(/\x1b\[[?\d]*[A-Za-z]/g, '').split('\n')) assert.ok(line.length <= 50, line);
    await watching.interrupt();
  });

  it('leaves the terminal as it was on Ctrl-C: other screen, cursor, exit code 0', async () => {
    const watching = watch(new MemoryEngine([taskView('a')]), ['queue', '--watch']);
    await watching.after(0);
    assert.equal(watching.screen.cursorVisible, false);
    const { code, stderr } = await watching.interrupt();
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(watching.out.text, /^\x1b\[\?1049h\x1b\[\?25l/);
    assert.match(watching.out.text, /\x1b\[\?25h\x1b\[\?1049l$/);
    assert.equal(watching.clock.pending, 0);
  });

  it('never flickers: each picture is one synchronized write over the last one, and none when nothing changed', async () => {
    const writes: string[] = [];
    const screen = new Screen(100);
    const engine = new MemoryEngine([taskView('a')]);
    const watching = watch(engine, ['queue', '--watch'], { watch: (text) => { writes.push(text); screen.write(text); } });
    await watching.after(30);
    engine.change('a', { why: 'Another reason.' });
    await watching.after(5);
    await watching.interrupt();
    const drawn = writes.slice(1, -1);
    assert.equal(drawn.length, 2);
    for (const write of drawn) assert.match(write, /^\x1b\[\?2026h\x1b\[H[\s\S]*\x1b\[\?2026l$/);
    for (const write of drawn) assert.doesNotMatch(write, /\x1b\[2J/);
    assert.equal(screen.flickers, 0);
  });

  it('lets go of the lead between two looks where nobody leads', async () => {
    const engine = new MemoryEngine([taskView('a')]);
    const watching = watch(engine, ['queue', '--watch'], { role: 'leader' });
    await watching.after(11);
    const { opened, closed } = await watching.interrupt();
    assert.equal(opened.length, 3);
    assert.equal(closed, 3);
  });

  it('gives the lead back at once that fell to it when the leader went', async () => {
    const engine = new MemoryEngine([taskView('a')]);
    const sessions: { closed: number; readonly change: () => void }[] = [];
    const connect = () => {
      const session = { ...memorySession(engine, sessions.length === 0 ? 'client' : 'leader'), closed: 0 };
      const listeners: ((role: 'leader' | 'client') => void)[] = [];
      const entry = { closed: 0, change: () => listeners.forEach((listener) => listener('leader')) };
      sessions.push(entry);
      return Promise.resolve({ ...session, onRoleChange: (listener: (role: 'leader' | 'client') => void) => (listeners.push(listener), { dispose: () => undefined }), close: () => ((entry.closed += 1), Promise.resolve()) });
    };
    const watching = watch(engine, ['queue', '--watch', '--interval', '600'], { connect });
    await watching.after(1);
    const [first] = sessions;
    assert.ok(first);
    assert.equal(first.closed, 0);
    first.change();
    await watching.after(1);
    assert.equal(first.closed, 1);
    await watching.interrupt();
  });

  it('goes on where a leader is only just coming or going, and ends with what is really wrong', async () => {
    const engine = new MemoryEngine([taskView('a')]);
    let looks = 0;
    const connect = () => {
      looks += 1;
      if (looks === 2) return Promise.reject(new BatonError('leader_busy', 'busy'));
      if (looks === 4) return Promise.reject(new BatonError('git', 'no repository any more'));
      return Promise.resolve(memorySession(engine, 'leader'));
    };
    const watching = watch(engine, ['queue', '--watch'], { connect });
    await watching.after(15);
    const { code, stderr } = await watching.interrupt();
    assert.deepEqual([looks, code], [4, 1]);
    assert.match(stderr, /No repository any more/);
    assert.match(watching.out.text, /\x1b\[\?1049l$/);
  });

  it('gives one document a line with --json, without any escape sequence (row 74)', async () => {
    const watching = watch(new MemoryEngine([taskView('a')]), ['queue', '--watch', '--json', '--interval', '1']);
    await watching.after(2);
    const { stdout } = await watching.interrupt();
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    for (const line of lines) assert.equal(documentOf(queueSchema, line).tasks[0]?.id, 'a');
  });

  it('prints picture after picture where there is no terminal', async () => {
    const watching = watch(new MemoryEngine([taskView('a')]), ['queue', '--watch'], { isTTY: false });
    await watching.after(5);
    const { stdout } = await watching.interrupt();
    assert.equal(stdout.split('| # |').length, 3);
    assert.doesNotMatch(stdout, /\x1b/);
  });

  it('says how many lines there was no room for', async () => {
    const watching = watch(new MemoryEngine(Array.from({ length: 40 }, (_, index) => taskView(`t${index}`, { position: index + 1 }))), ['queue', '--watch'], { rows: 10 });
    await watching.after(0);
    assert.equal(watching.screen.text().length, 10);
    assert.equal(watching.screen.text().at(-1), '… 35 more lines');
    await watching.interrupt();
  });

  it('refuses an interval that is none, or one without --watch', async () => {
    for (const argv of [['queue', '--watch', '--interval', '0'], ['queue', '--watch', '--interval', 'soon'], ['queue', '--interval', '5']]) {
      const { code, stderr } = await cli(new MemoryEngine(), argv);
      assert.equal(code, 2, argv.join(' '));
      assert.match(stderr, /seconds|--watch/);
    }
  });
});
