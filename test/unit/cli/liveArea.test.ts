import assert from 'node:assert/strict';
import { LiveArea, paintLine } from '../../../src/cli/liveArea.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { livePicture } from '../../../src/cli/progress.ts';
import { createStyle } from '../../../src/cli/style.ts';
import { widthOf } from '../../../src/cli/text.ts';
import { cli } from '../../support/cli.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { AT, decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';
import { Screen } from '../../support/screen.ts';

function terminal(columns = 80, rows = 24): { screen: Screen; area: LiveArea; writes: string[]; size: { columns: number; rows: number } } {
  const screen = new Screen(columns);
  const writes: string[] = [];
  const size = { columns, rows };
  const io = {
    stdout: {
      write: (text: string) => {
        writes.push(text);
        screen.write(text);
      },
    },
    columns: () => size.columns,
    rows: () => size.rows,
  } as unknown as CliIo;
  return { screen, writes, size, area: new LiveArea(io, createStyle(true)) };
}

const bare = (lines: readonly string[]) => lines.map((line) => line.replaceAll(/\x1b\[\d+m/g, ''));

describe('redrawn lines', () => {
  it('replace themselves in place, below the lines that stay', () => {
    const { screen, area } = terminal();
    area.draw([['one'], ['two']]);
    area.draw([['uno'], ['dos'], ['tres']], ['first event']);
    area.draw([['last']], ['second event']);
    assert.deepEqual(screen.text(), ['first event', 'second event', 'last']);
    area.end();
    assert.deepEqual(screen.text(), ['first event', 'second event']);
  });

  it('are one synchronized write a change, none when nothing changed, and are never blank in between', () => {
    const { screen, writes, area } = terminal();
    for (const text of ['a', 'a', 'b', 'b', 'c']) area.draw([[text]]);
    assert.equal(writes.length, 3);
    for (const write of writes) assert.match(write, /^\x1b\[\?2026h[\s\S]*\x1b\[\?2026l$/);
    for (const write of writes) assert.doesNotMatch(write, /\x1b\[2[JK]/);
    assert.equal(screen.flickers, 0);
  });

  it('hide the cursor and give it back', () => {
    const { screen, area } = terminal();
    area.draw([['a']]);
    assert.equal(screen.cursorVisible, false);
    area.end();
    assert.equal(screen.cursorVisible, true);
  });

  it('are cut to the width and never more than the terminal has rows', () => {
    const { screen, area } = terminal(20, 4);
    area.draw(Array.from({ length: 9 }, (_, index) => [`${index} a line that is too long`] as const));
    assert.deepEqual(bare(screen.text()), ['0 a line that is t…', '1 a line that is t…', '  … 7 more']);
  });

  it('find their first line again after the window became narrower', () => {
    const { writes, area, size } = terminal(40);
    area.draw([['x'.repeat(30)], ['y']]);
    size.columns = 20;
    area.draw([['z']]);
    assert.match(writes[1] ?? '', /\x1b\[3A\r/);
  });

  it('cut coloured parts by what is seen and make untrusted text safe', () => {
    const style = createStyle(true);
    assert.equal(paintLine([['green text', 'green'], ' and more'], 12, style), '\x1b[32mgreen text\x1b[39m…');
    assert.equal(paintLine([' a\x1b[2Jb ', ['c', 'red']], 20, createStyle(false)), ' a [2Jb c');
  });
});

describe('the picture of a run', () => {
  const tasks = [
    taskView('pricing-fix', {
      state: 'implementing',
      attempt_started_at: AT,
      cost_usd: 0.08,
      last_line: 'running npm test',
      steps: [
        { step_id: 's1', state: 'completed', description: '', attempt: 1 },
        { step_id: 's2', state: 'implementing', description: '', attempt: 1 },
      ],
    }),
    taskView('parked', { state: 'awaiting_human_review', decisions: [decision('d1', 'parked')] }),
    taskView('next-one', { score: 4.4 }),
    taskView('held', { group: 'held' }),
  ];

  it('shows the loop, what runs and what comes next', async () => {
    const snapshot = await new MemoryEngine(tasks, {
      loop: { desired: 'running', state: 'running', since: AT, reason: null, idle: false, run_id: null, slots_used: 1, slots: 5, leader: null },
    }).snapshot();
    const lines = livePicture(snapshot, Date.parse(AT) + 192_000, Date.parse(AT)).map((line) => paintLine(line, 200, createStyle(false)));
    assert.deepEqual(lines, [
      'Baton running 3m12s · 1/5 slots · 1 waiting · 1 held · 1 need you · today $0.08',
      '  pricing-fix implementing · 3m12s · step 2/2 · $0.08  > running npm test',
      '  next: next-one (4.4)',
    ]);
  });

  for (const columns of [40, 80, 120]) {
    it(`stays within ${columns} columns and moves on with the time`, async () => {
      const screen = new Screen(columns);
      const clock = new FakeClock(Date.parse(AT));
      const engine = new MemoryEngine(tasks);
      let late: string[] = [];
      engine.onCommand = (command) => {
        if (command.type !== 'start') return;
        setImmediate(() => {
          void clock.advance(5000).then(() => {
            late = bare(screen.text());
            engine.change('pricing-fix', { state: 'done' });
            engine.change('next-one', { state: 'done' });
          });
        });
      };
      const { stdout } = await cli(engine, ['run', '--once'], { role: 'leader', isTTY: true, columns, clock, watch: (text) => screen.write(text) });
      assert.match(stdout, /Run Summary/);
      assert.ok(late.some((line) => line.startsWith('Baton running 5s')));
      assert.ok(late.some((line) => line.startsWith('  pricing-fix implementing · 5s')));
      assert.equal(screen.flickers, 0);
      assert.equal(screen.cursorVisible, true);
      const shown = bare(screen.text());
      assert.ok(shown.some((line) => line.includes('✅ pricing-fix done')));
      assert.ok(!shown.some((line) => line.startsWith('Baton running')));
      for (const line of shown) if (/slots|next:/.test(line)) assert.ok(widthOf(line) < columns);
    });
  }
});
