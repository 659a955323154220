import assert from 'node:assert/strict';
import { widthOf } from '../../../src/cli/text.ts';
import { cli } from '../../support/cli.ts';
import { documentOf, queueSchema } from '../../support/cliSchemas.ts';
import { decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';

const NOW = '2026-03-03T11:30:00.000Z';

function engine(): MemoryEngine {
  return new MemoryEngine(
    [
      taskView('csv-quotes', { state: 'implementing', position: null }),
      taskView('round-half-cents', { score: 4.4, base_score: 4.4, position: 1, why: 'Next to start: a slot is free.', created_at: '2026-03-03T11:29:00.000Z', goal: 'Totals are off by a cent', eta_start: NOW, eta_done: '2026-03-03T11:40:10.000Z' }),
      taskView('slugify-accents', { score: 2.35, position: 2, created_at: '2026-03-03T10:30:00.000Z', why: 'Waits for a free slot: 1 of 1 in use.', goal: 'Keep accented letters', eta_start: '2026-03-03T11:40:10.000Z', eta_done: '2026-03-03T12:50:00.000Z' }),
      taskView('csv-export', { group: 'held', position: 3, why: 'Waits for csv-quotes, which is implementing.', created_at: '2026-03-02T11:30:00.000Z' }),
      taskView('remove-legacy', { state: 'awaiting_human_review', why: 'Asks you: start?', decisions: [decision('d1', 'remove-legacy', { kind: 'start' })] }),
      taskView('old', { state: 'done' }),
    ],
    { at: NOW },
  );
}

describe('baton queue (rows 48, 54)', () => {
  it('prints position, score, task, state, wait, estimated times and why of what has not started (rows 49–51, 55, 73)', async () => {
    const { code, stdout } = await cli(engine(), ['queue'], { columns: 140 });
    assert.equal(code, 0);
    assert.deepEqual(stdout.split('\n'), [
      '+---+-------+------------------+-----------------------+------+----------+---------+----------------------------------------------+',
      '| # | Score | Task             | State                 | Wait | Start in | Done in | Why                                          |',
      '+---+-------+------------------+-----------------------+------+----------+---------+----------------------------------------------+',
      '| 1 |   4.4 | round-half-cents | new                   |   1m |      now |     10m | Next to start: a slot is free.               |',
      '| 2 |  2.35 | slugify-accents  | new                   |   1h |      10m |   1h20m | Waits for a free slot: 1 of 1 in use.        |',
      '| 3 |   2.1 | csv-export       | new                   |   1d |        - |       - | Waits for csv-quotes, which is implementing. |',
      '| - |   2.1 | remove-legacy    | awaiting_human_review | 1d1h |        - |       - | Asks you: start?                             |',
      '+---+-------+------------------+-----------------------+------+----------+---------+----------------------------------------------+',
      '1 running: see "baton active".',
      '',
    ]);
  });

  for (const width of [40, 80, 120]) {
    it(`fits a terminal of ${width} columns, verbose or not`, async () => {
      const { stdout } = await cli(engine(), ['queue', '--verbose'], { columns: width });
      for (const line of stdout.split('\n')) assert.ok(widthOf(line) <= width, `"${line}" takes ${widthOf(line)} cells`);
      for (const word of ['Score', 'Task', 'Why']) assert.match(stdout, new RegExp(word));
    });
  }

  it('makes room for the reason on a terminal of 80 columns, never at the cost of position, score, task and end', async () => {
    const { stdout } = await cli(engine(), ['queue'], { columns: 80 });
    assert.equal(stdout.split('\n')[1], '| # | Score | Task             | Wait | Done in | Why                          |');
  });

  it('drops the least important columns on a narrow terminal, never position, score and task', async () => {
    const { stdout } = await cli(engine(), ['queue'], { columns: 40 });
    assert.equal(stdout.split('\n')[1], '| # | Score | Task        | Why        |');
  });

  it('explains every task with --verbose (row 52)', async () => {
    const { stdout } = await cli(engine(), ['queue', '--verbose'], { columns: 120 });
    assert.match(stdout, /\nslugify-accents\n {2}goal: Keep accented letters\n {2}why: Waits for a free slot: 1 of 1 in use\.\n {2}score: 2\.35 = urgency 3, deadline 1, sender 2\n {2}estimate: starts 2026-03-03T11:40:10\.000Z, done 2026-03-03T12:50:00\.000Z\n/);
    assert.match(stdout, /source: \.baton\/tasks\/slugify-accents\.md:1/);
  });

  it('gives the documented JSON in queue order (rows 17, 74)', async () => {
    const { stdout } = await cli(engine(), ['queue', '--json']);
    const { tasks } = documentOf(queueSchema, stdout);
    assert.deepEqual(tasks.map((task) => [task.id, task.position, task.wait_seconds, task.eta_start, task.eta_done]), [
      ['round-half-cents', 1, 60, NOW, '2026-03-03T11:40:10.000Z'],
      ['slugify-accents', 2, 3600, '2026-03-03T11:40:10.000Z', '2026-03-03T12:50:00.000Z'],
      ['csv-export', 3, 86_400, null, null],
      ['remove-legacy', null, 91_800, null, null],
    ]);
  });

  it('says so when nothing waits', async () => {
    assert.equal((await cli(new MemoryEngine(), ['queue'])).stdout, 'The queue is empty.\n');
    assert.deepEqual(documentOf(queueSchema, (await cli(new MemoryEngine(), ['queue', '--json'])).stdout), { tasks: [] });
  });

  it('colours waiting tasks yellow on a terminal and leaves the columns aligned (row 22)', async () => {
    const { stdout } = await cli(engine(), ['queue'], { columns: 120, isTTY: true });
    assert.match(stdout, /\x1b\[33mnew +\x1b\[39m/);
    const bare = stdout.replaceAll(/\x1b\[\d+m/g, '');
    assert.equal(bare, (await cli(engine(), ['queue'], { columns: 120 })).stdout);
  });
});
