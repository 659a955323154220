import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { appeared, buildCli, cliRepo, said, type CliRepo } from '../../support/cliProcess.ts';
import { dashboardSchema, documentOf } from '../../support/cliSchemas.ts';

const database = (repo: CliRepo): string => path.join(repo.root, '.baton/baton.db');

function status(repo: CliRepo) {
  const { code, stdout, stderr } = repo.baton('dashboard', '--json');
  assert.equal(code, 0, stderr);
  return documentOf(dashboardSchema, stdout);
}

describe('baton dashboard on a real repository (row 16)', function () {
  this.timeout(60_000);
  before(buildCli);

  it('says stopped before anything was stored', async () => {
    const { status: engine, queue } = status(await cliRepo({ one: 'Write one' }));
    assert.deepEqual([engine.state, engine.since, queue.map(({ id }) => id)], ['stopped', null, ['one']]);
  });

  it('says running while a leader works, shows its task live, and ends cleanly on Ctrl-C', async () => {
    const repo = await cliRepo({ slow: 'Write slowly', two: 'Write two' });
    const run = repo.start('run');
    await appeared(repo.started);
    const { status: engine, active } = status(repo);
    assert.equal(engine.state, 'running');
    assert.ok(active.some(({ id, attempts, state }) => id === 'slow' && attempts === 1 && state === 'implementing'));

    const watching = repo.start('dashboard', '--watch', '--json', '--interval', '0.1');
    await said(watching, '\n');
    watching.child.kill('SIGINT');
    const { code, stdout, stderr } = await watching.ended;
    assert.deepEqual([code, stderr], [0, '']);
    for (const line of stdout.trimEnd().split('\n')) documentOf(dashboardSchema, line);
    repo.release();
    run.child.kill('SIGINT');
    await run.ended;
    assert.equal(status(repo).status.state, 'stopped');
  });

  it('says error when the last sign of life of a loop that should run is too old', async () => {
    const repo = await cliRepo({ slow: 'Write slowly' });
    const run = repo.start('run');
    await appeared(repo.started);
    run.child.kill('SIGKILL');
    await run.ended;
    const db = new DatabaseSync(database(repo));
    db.prepare("UPDATE meta SET json = ? WHERE key = 'loop'").run(JSON.stringify({ desired: 'running', since: '2020-01-01T00:00:00.000Z', reason: null, run_id: 'r' }));
    db.prepare("INSERT INTO meta (key, json) VALUES ('heartbeat', ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json").run('"2020-01-01T00:00:00.000Z"');
    db.close();
    const { status: engine } = status(repo);
    assert.deepEqual([engine.state, engine.since], ['error', '2020-01-01T00:00:00.000Z']);
    assert.match(engine.message, /^Last sign of life of the loop \d+d\d*h? ago/);
    repo.release();
  });

  it('knows the state again after a damaged store was rebuilt, with no task lost', async () => {
    const repo = await cliRepo({ one: 'Write one' });
    assert.equal(repo.baton('run', '--once').code, 0);
    for (const ending of ['-wal', '-shm']) rmSync(`${database(repo)}${ending}`, { force: true });
    writeFileSync(database(repo), 'this is no database, whatever its name says. '.repeat(500));
    const { status: engine, recent } = status(repo);
    assert.equal(engine.state, 'stopped');
    assert.deepEqual(recent.map(({ id, state }) => [id, state]), [['one', 'done']]);
  });
});
