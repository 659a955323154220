import assert from 'node:assert/strict';
import type { EngineApi } from '../../../src/shared/api.ts';
import type { MetricsQuery, MetricsReport } from '../../../src/shared/metrics.ts';
import { FigureDesk } from '../../../src/vscode/model/figures.ts';
import { Pace } from '../../../src/vscode/model/pace.ts';
import { FakeClock } from '../../support/fakeClock.ts';
import { emptyMetrics } from '../../support/reports.ts';

function paced(interval = 5000): { clock: FakeClock; pace: Pace; drawn: number[] } {
  const clock = new FakeClock(0);
  const drawn: number[] = [];
  return { clock, drawn, pace: new Pace(clock, () => drawn.push(clock.now()), () => interval) };
}

describe('The pace of the dashboard', () => {
  it('is the refresh interval while nothing happens (rows 21, 94)', async () => {
    const { clock, pace, drawn } = paced();
    pace.start();
    await clock.advance(16_000);
    assert.deepEqual(drawn, [0, 5000, 10_000, 15_000]);
  });

  it('follows a change at once, but no more than four a second', async () => {
    const { clock, pace, drawn } = paced();
    pace.start();
    await clock.advance(1000);
    for (let index = 0; index < 100; index += 1) {
      pace.soon();
      await clock.advance(10);
    }
    assert.deepEqual(drawn, [0, 1000, 1250, 1500, 1750, 2000]);
  });

  it('is not held up by changes that never cease', async () => {
    const { clock, pace, drawn } = paced();
    pace.start();
    for (let index = 0; index < 40; index += 1) {
      pace.soon();
      await clock.advance(100);
    }
    assert.ok(drawn.length >= 14);
  });

  it('draws nothing while hidden, and at once when it is seen again', async () => {
    const { clock, pace, drawn } = paced();
    pace.start();
    pace.stop();
    pace.soon();
    pace.now();
    await clock.advance(60_000);
    assert.deepEqual(drawn, [0]);
    assert.equal(clock.pending, 0);
    pace.start();
    assert.deepEqual(drawn, [0, 60_000]);
  });
});

interface Asked {
  readonly query: MetricsQuery;
  answer(report: Partial<MetricsReport>): Promise<void>;
  fail(message: string): Promise<void>;
}

/** An engine whose figures come when the test says so. */
function slowEngine(): { engines: Map<string, EngineApi>; asked: Asked[] } {
  const asked: Asked[] = [];
  const metrics = (query: MetricsQuery) =>
    new Promise<MetricsReport>((resolve, reject) => {
      const later = () => new Promise<void>((done) => setImmediate(done));
      asked.push({
        query,
        answer: (report) => (resolve({ ...emptyMetrics('2030-01-01T00:00:00.000Z'), ...report }), later()),
        fail: (message) => (reject(new Error(message)), later()),
      });
    });
  return { engines: new Map([['k', { metrics } as unknown as EngineApi]]), asked };
}

describe('The figures of the dashboard', () => {
  it('are asked for once at a time and at most once a second', async () => {
    const { engines, asked } = slowEngine();
    let arrived = 0;
    const desk = new FigureDesk(() => (arrived += 1));
    desk.refresh(engines, 10_000);
    desk.refresh(engines, 20_000);
    assert.equal(asked.length, 1);
    await asked[0]?.answer({ tasks_completed: 3 });
    assert.deepEqual([arrived, desk.of('k').report?.tasks_completed], [1, 3]);
    desk.refresh(engines, 10_500);
    assert.equal(asked.length, 1);
    desk.refresh(engines, 11_000);
    assert.equal(asked.length, 2);
    await asked[1]?.answer({ tasks_completed: 3, until: '2030-01-01T00:00:05.000Z' });
    assert.equal(arrived, 1);
    assert.equal(desk.of('k').report?.until, '2030-01-01T00:00:05.000Z');
  });

  it('show another window only when its figures are there', async () => {
    const { engines, asked } = slowEngine();
    const desk = new FigureDesk(() => undefined);
    const chosen = desk.choose('7d', engines);
    assert.equal(desk.window, '24h');
    await asked[0]?.answer({ tasks_completed: 7 });
    await chosen;
    assert.deepEqual([desk.window, desk.of('k').report?.tasks_completed, asked[0]?.query.since_seconds], ['7d', 7, 604_800]);
  });

  it('are of the last choice, whichever answer comes first', async () => {
    const { engines, asked } = slowEngine();
    const desk = new FigureDesk(() => undefined);
    const [first, second] = [desk.choose('7d', engines), desk.choose('30d', engines)];
    await asked[1]?.answer({ tasks_completed: 30 });
    await asked[0]?.answer({ tasks_completed: 7 });
    await Promise.all([first, second]);
    assert.deepEqual([desk.window, desk.of('k').report?.tasks_completed], ['30d', 30]);
  });

  it('stay when one question fails, which is said where there are none', async () => {
    const { engines, asked } = slowEngine();
    const desk = new FigureDesk(() => undefined);
    desk.refresh(engines, 0);
    assert.equal(asked.length, 0);
    desk.refresh(engines, 2000);
    await asked[0]?.fail('closed');
    assert.deepEqual(desk.of('k'), { report: undefined, failure: 'closed' });
    desk.refresh(engines, 4000);
    await asked[1]?.answer({ tasks_completed: 1 });
    desk.refresh(engines, 6000);
    await asked[2]?.fail('closed');
    assert.deepEqual([desk.of('k').report?.tasks_completed, desk.of('k').failure], [1, 'closed']);
  });
});
