import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readStore } from '../../../src/adapters/store/readStore.ts';
import { loadSqlite } from '../../../src/adapters/store/sqlite.ts';
import { MIGRATIONS, migrate, schemaVersion } from '../../../src/adapters/store/schema.ts';
import { checkpointWriter } from '../../../src/adapters/store/atomicFile.ts';
import { rejectsWith, storeConformance } from './conformance.ts';
import { until } from '../../support/processes.ts';
import { AT, changed, decision, Sandbox, taskRecord } from './fixture.ts';

storeConformance('SQLite', () => {
  const sandbox = new Sandbox();
  return Promise.resolve({ open: () => sandbox.open(), dispose: () => sandbox.dispose() });
});

describe('the SQLite store', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.dispose());

  describe('the database', () => {
    it('is a WAL database of the current schema that is flushed in full', async () => {
      const store = await sandbox.open();
      assert.equal(store.path, sandbox.file('baton.db'));
      const { DatabaseSync } = loadSqlite();
      const db = new DatabaseSync(store.path, { readOnly: true });
      assert.equal(db.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
      assert.equal(schemaVersion(db), MIGRATIONS.length);
      db.close();
    });

    it('commits that arrive together share their flushes', async () => {
      const store = await sandbox.open();
      await Promise.all(Array.from({ length: 500 }, (_, index) => store.commit({ tasks: [taskRecord(`t${index}`)], events: [{ at: AT, type: 'taskAdded', task_id: `t${index}`, data: {} }] })));
      const commits = walCommits(`${store.path}-wal`);
      assert.ok(commits < 50, `500 commits took ${commits} transactions`);
    });

    it('an idle open store does not keep its process alive, a commit on its way does', async () => {
      const output = await runScript(sandbox, `
        const store = await openStore({ batonDir, workerPath, log });
        process.stdout.write('open ');
        void store.commit({ meta: { done: true } }).then(() => process.stdout.write('committed'));
      `);
      assert.deepEqual(output, { code: 0, stdout: 'open committed', stderr: '' });
    });

    it('a newer schema is refused with a hint, for writing and for reading, and left as it is', async () => {
      await (await sandbox.open()).close();
      const { DatabaseSync } = loadSqlite();
      const db = new DatabaseSync(sandbox.file('baton.db'));
      db.exec('PRAGMA user_version = 99');
      db.close();
      await assert.rejects(sandbox.open(), (error) => rejectsWith('unsupported')(error) && /schema version 99/.test(String(error)));
      assert.throws(() => readStore({ batonDir: sandbox.batonDir }), rejectsWith('unsupported'));
      assert.deepEqual(fs.readdirSync(sandbox.batonDir).filter((name) => name.includes('corrupt')), []);
    });

    it('an older schema is brought forward one version at a time; a step that fails leaves the version before it', () => {
      const { DatabaseSync } = loadSqlite();
      const db = new DatabaseSync(':memory:');
      migrate(db, 'db');
      db.exec("INSERT INTO meta VALUES ('kept', '1')");
      const next = 'ALTER TABLE meta ADD COLUMN note TEXT';
      assert.throws(() => migrate(db, 'db', [...MIGRATIONS, next, 'CREATE TABLE half (id); NOT SQL']));
      assert.equal(schemaVersion(db), MIGRATIONS.length + 1);
      assert.equal(db.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").get(), undefined);
      migrate(db, 'db', [...MIGRATIONS, next, 'CREATE TABLE whole (id)']);
      assert.equal(schemaVersion(db), MIGRATIONS.length + 2);
      assert.deepEqual({ ...db.prepare('SELECT * FROM meta').get() }, { key: 'kept', json: '1', note: null });
      db.close();
    });

    it('a database in the data directory is the one that is used, where there is one', async () => {
      const dataDir = path.join(sandbox.root, 'data');
      fs.mkdirSync(dataDir);
      const { DatabaseSync } = loadSqlite();
      new DatabaseSync(path.join(dataDir, 'baton.db')).exec('PRAGMA user_version = 0');
      fs.writeFileSync(path.join(dataDir, 'baton.db'), '');
      const store = await sandbox.open({ dataDir });
      await store.commit({ tasks: [taskRecord('t1')] });
      assert.equal(store.path, path.join(dataDir, 'baton.db'));
      assert.equal(fs.existsSync(sandbox.file('baton.db')), false);
      assert.equal((await readStore({ batonDir: sandbox.batonDir, dataDir }).loadTasks()).length, 1);
      await store.close();
      assert.equal(sandbox.readState('t1').task_id, 't1');
    });

    it('has one writer at a time; the next may open it as soon as that one has closed', async () => {
      const store = await sandbox.open();
      await assert.rejects(sandbox.open(), rejectsWith('leader_busy'));
      await store.commit({ meta: { kept: true } });
      await store.close();
      assert.deepEqual(await (await sandbox.open()).meta(), { kept: true });
    });

    it('a folder that cannot be written is an error that names it', async () => {
      fs.writeFileSync(sandbox.batonDir, 'a file, not a folder');
      await assert.rejects(sandbox.open(), rejectsWith('store'));
    });
  });

  describe('state files', () => {
    it('show each committed change, whole and indented by two (row 123)', async () => {
      const store = await sandbox.open();
      let task = taskRecord('t1');
      await store.commit({ tasks: [task] });
      await until('the first revision', () => fs.existsSync(sandbox.stateFile('t1')) && sandbox.readState('t1').rev === 1);
      task = changed(task, { state: 'implementing' });
      await store.commit({ tasks: [task] });
      await until('the second revision', () => sandbox.readState('t1').rev === 2);
      assert.equal(fs.readFileSync(sandbox.stateFile('t1'), 'utf8'), `${JSON.stringify(task, null, 2)}\n`);
    });

    it('are written once for changes that come close together, and now and then while they go on coming', async () => {
      const store = await sandbox.open();
      let task = taskRecord('t1');
      await store.commit({ tasks: [task] });
      const seen = new Set<number>();
      const begun = performance.now();
      const deadline = begun + 20_000;
      // Each sooner than the pause after which a file is written.
      for (; seen.size < 3 && performance.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 5))) {
        task = changed(task);
        await store.commit({ tasks: [task] });
        if (fs.existsSync(sandbox.stateFile('t1'))) seen.add(sandbox.readState('t1').rev);
      }
      assert.ok(seen.size >= 3, 'nothing is written while changes come');
      // Where a change takes longer than the pause, each is written.
      if ((performance.now() - begun) / task.rev < 20) assert.ok(task.rev > 3 * seen.size, `${seen.size} files for ${task.rev} changes`);
      await until('the last revision', () => sandbox.readState('t1').rev === task.rev);
    });

    it('are never seen half-written while they change (row 123)', async () => {
      const store = await sandbox.open();
      let task = taskRecord('t1', { feedback: 'x'.repeat(200_000) });
      await store.commit({ tasks: [task] });
      await until('the file', () => fs.existsSync(sandbox.stateFile('t1')));
      let revisions = 0;
      const deadline = performance.now() + 30_000;
      for (let last = 0; (task.rev < 60 || revisions < 2) && performance.now() < deadline; ) {
        task = changed(task);
        await store.commit({ tasks: [task] });
        const seen = sandbox.readState('t1').rev;
        assert.ok(seen >= last);
        if (seen > last) revisions++;
        last = seen;
      }
      assert.ok(revisions > 1);
    });

    it('are all written when the store is closed, and go with their tasks', async () => {
      const store = await sandbox.open();
      await Promise.all(Array.from({ length: 300 }, (_, index) => store.commit({ tasks: [taskRecord(`t${index}`)] })));
      await store.commit({ remove: ['t7'] });
      await store.close();
      assert.equal(fs.readdirSync(sandbox.file('state')).length, 299);
      assert.equal(fs.existsSync(sandbox.stateFile('t7')), false);
    });

    it('that are missing, stale or corrupt are written again at the next opening; a corrupt one is set aside and reported (row 125)', async () => {
      const store = await sandbox.open();
      const tasks = ['fine', 'lost', 'old', 'broken'].map((id) => taskRecord(id));
      await store.commit({ tasks });
      await store.close();
      fs.rmSync(sandbox.stateFile('lost'));
      fs.writeFileSync(sandbox.stateFile('old'), JSON.stringify(taskRecord('old', { state: 'done' })));
      fs.writeFileSync(sandbox.stateFile('broken'), '{"task_id": "broken", "rev"');
      fs.writeFileSync(sandbox.file('state', '.fine.json.tmp'), 'half');
      fs.writeFileSync(sandbox.stateFile('stranger'), JSON.stringify(taskRecord('stranger')));
      const again = await sandbox.open();
      assert.deepEqual(again.repairs.map((repair) => repair.split(';')[0]?.replace(/\(.*\)/, '(…)')).sort(), [
        'The state file of task broken was corrupt (…)',
        'The state file of task lost was missing',
        'The state file of task old was not up to date',
        'The store has no task stranger',
      ]);
      for (const task of tasks) assert.deepEqual(sandbox.readState(task.task_id), task);
      const names = fs.readdirSync(sandbox.file('state')).map((name) => name.replace(/-\d.*/, ''));
      assert.deepEqual(names.sort(), ['broken.json', 'broken.json.corrupt', 'fine.json', 'lost.json', 'old.json', 'stranger.json.orphaned']);
      await again.close();
      assert.deepEqual((await sandbox.open()).repairs, []);
    });
  });

  describe('a database that is lost or corrupt', () => {
    const answered = { verdict: 'approve', text: null, input: null, by: 'mallory', via: 'cli', at: AT } as const;
    const records = [
      taskRecord('finished', { state: 'done', rev: 7 }),
      taskRecord('waiting', { state: 'awaiting_human_review', rev: 3, decisions: [decision('waiting')] }),
      taskRecord('forged', {
        state: 'awaiting_human_review',
        rev: 4,
        decisions: [
          decision('forged', { id: 'd1', status: 'answered', answer: answered, applied_at: AT }),
          decision('forged', { id: 'd2', status: 'answered', answer: answered }),
        ],
      }),
    ];

    async function fill(): Promise<void> {
      const store = await sandbox.open();
      for (const record of records) {
        for (let rev = 1; rev <= record.rev; rev++) await store.commit({ tasks: [{ ...record, rev }] });
      }
      await store.commit({ meta: { desired: 'running' } });
      await store.close();
    }

    async function assertRebuilt(): Promise<void> {
      const store = await sandbox.open();
      assert.ok(store.repairs.some((repair) => repair.includes('rebuilt from 3 state files')), store.repairs.join('\n'));
      assert.ok(store.repairs.some((repair) => repair.includes('asked for again (1 task)')), store.repairs.join('\n'));
      const tasks = new Map((await store.loadTasks()).map((task) => [task.task_id, task]));
      assert.deepEqual(tasks.get('finished'), records[0]);
      assert.deepEqual(tasks.get('waiting'), records[1]);
      const [applied, reopened] = tasks.get('forged')?.decisions ?? [];
      assert.equal(applied?.status, 'answered');
      assert.deepEqual([reopened?.status, reopened?.answer], ['open', null]);
      assert.deepEqual(await store.meta(), {});
      // The fence goes on where it was.
      await store.commit({ tasks: [changed(records[0]!)] });
      await store.close();
      assert.deepEqual(sandbox.readState('forged'), tasks.get('forged'));
      assert.deepEqual((await sandbox.open()).repairs, []);
    }

    it('is set aside and rebuilt from the state files when its file is overwritten; consent not acted on is asked for again (row 125)', async () => {
      await fill();
      fs.writeFileSync(sandbox.file('baton.db'), 'this is no database, whatever its name says, and it is long enough to be looked at');
      await assertRebuilt();
      assert.equal(fs.readdirSync(sandbox.batonDir).filter((name) => /^baton\.db\.corrupt-.*Z$/.test(name)).length, 1);
    });

    it('is set aside and rebuilt when a page inside it is destroyed (row 125)', async () => {
      await fill();
      const file = fs.openSync(sandbox.file('baton.db'), 'r+');
      const size = fs.fstatSync(file).size;
      for (let page = 1; page * 4096 < size; page++) fs.writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, page * 4096);
      fs.closeSync(file);
      await assertRebuilt();
    });

    it('whose damage shows only in use turns read-only, and is set aside and rebuilt at the next opening (row 125)', async () => {
      await fill();
      const { DatabaseSync } = loadSqlite();
      const db = new DatabaseSync(sandbox.file('baton.db'));
      const page = Number(db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'events'").get()?.['rootpage']);
      db.close();
      const file = fs.openSync(sandbox.file('baton.db'), 'r+');
      fs.writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
      fs.closeSync(file);
      const told: string[] = [];
      const store = await sandbox.open({ onReadOnly: ({ hint }) => void told.push(hint ?? '') });
      assert.deepEqual(store.repairs, []);
      const commit = { events: [{ at: AT, type: 'x', task_id: null, data: {} }] };
      await assert.rejects(store.commit(commit), rejectsWith('store'));
      await assert.rejects(store.commit({ meta: { more: true } }), rejectsWith('store'));
      assert.equal(told.length, 1);
      assert.match(told[0] ?? '', /rebuilt from the state files/);
      assert.equal((await store.loadTasks()).length, records.length);
      await store.close();
      await assertRebuilt();
    });

    it('is rebuilt from the state files when it is gone', async () => {
      await fill();
      for (const name of fs.readdirSync(sandbox.batonDir)) if (name.startsWith('baton.db')) fs.rmSync(sandbox.file(name));
      await assertRebuilt();
    });

    it('is not set aside for the damage of one that was set aside before a crash', async () => {
      await fill();
      const marker = `${sandbox.file('baton.db')}.suspect`;
      const { DatabaseSync } = loadSqlite();
      new DatabaseSync(sandbox.file('baton.db')).close();
      // The crash fell between the renaming of the damaged files and the removal of the marker.
      for (const name of fs.readdirSync(sandbox.batonDir)) if (name.startsWith('baton.db')) fs.rmSync(sandbox.file(name));
      fs.writeFileSync(marker, '');
      await (await sandbox.open()).close();
      assert.equal(fs.existsSync(marker), false);
      const again = await sandbox.open();
      assert.deepEqual(again.repairs, []);
      await again.close();
    });

    it('is rebuilt once more when the first rebuild did not come to its end', async () => {
      await fill();
      for (const name of fs.readdirSync(sandbox.batonDir)) if (name.startsWith('baton.db')) fs.rmSync(sandbox.file(name));
      const { DatabaseSync } = loadSqlite();
      const half = new DatabaseSync(sandbox.file('baton.db'));
      migrate(half, 'half');
      half.close();
      await assertRebuilt();
    });

    it('leaves a state file that is corrupt too where it can be looked at', async () => {
      await fill();
      fs.writeFileSync(sandbox.file('baton.db'), 'garbage '.repeat(100));
      fs.writeFileSync(sandbox.stateFile('waiting'), '[]');
      const store = await sandbox.open();
      assert.deepEqual((await store.loadTasks()).map((task) => task.task_id).sort(), ['finished', 'forged']);
      assert.ok(store.repairs.some((repair) => repair.includes('waiting was corrupt') && repair.includes('not in the store')), store.repairs.join('\n'));
    });
  });

  describe('reading from another process', () => {
    it('sees what is committed while the leader writes, and a repository without a store as empty', async () => {
      assert.deepEqual(await readStore({ batonDir: sandbox.batonDir }).loadTasks(), []);
      const store = await sandbox.open();
      const reader = readStore({ batonDir: sandbox.batonDir });
      await store.commit({ tasks: [taskRecord('t1')], events: [{ at: AT, type: 'taskAdded', task_id: 't1', data: { n: 1 } }], meta: { desired: 'running' } });
      assert.deepEqual(await reader.task('t1'), taskRecord('t1'));
      assert.deepEqual(await reader.events(0), [{ seq: 1, at: AT, type: 'taskAdded', task_id: 't1', data: { n: 1 } }]);
      assert.deepEqual(await reader.meta(), { desired: 'running' });
      await store.commit({ remove: ['t1'] });
      assert.deepEqual(await reader.loadTasks(), []);
      await reader.close();
    });

    it('says what to do about a damaged store', () => {
      fs.mkdirSync(sandbox.batonDir);
      fs.writeFileSync(sandbox.file('baton.db'), 'garbage '.repeat(100));
      assert.throws(() => readStore({ batonDir: sandbox.batonDir }), rejectsWith('store'));
    });

    it('prints no notice that SQLite is experimental, and lets every other warning through', async () => {
      const output = await runScript(sandbox, `
        await (await openStore({ batonDir, workerPath, log })).close();
        await readStore({ batonDir }).close();
        process.emitWarning('another one', 'ExperimentalWarning');
      `);
      assert.equal(output.code, 0);
      assert.doesNotMatch(output.stderr, /SQLite/);
      assert.match(output.stderr, /another one/);
    });
  });

  describe('the checkpoint', () => {
    it('is valid JSON at every moment and ends as the last one written (row 12)', async () => {
      const write = checkpointWriter(sandbox.batonDir);
      const file = sandbox.file('checkpoint.json');
      await write({ n: 0 });
      const writes = Promise.all(Array.from({ length: 20 }, (_, index) => write({ n: index + 1, filler: 'y'.repeat(50_000) })));
      const progress = { done: false };
      void writes.finally(() => (progress.done = true));
      while (!progress.done) {
        JSON.parse(fs.readFileSync(file, 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writes;
      assert.equal((JSON.parse(fs.readFileSync(file, 'utf8')) as { n: number }).n, 20);
      assert.deepEqual(fs.readdirSync(sandbox.batonDir), ['checkpoint.json']);
    });
  });
});

/** Counts the transactions in a write-ahead log: frames that carry the database's size end one (https://sqlite.org/fileformat2.html#walformat). */
function walCommits(file: string): number {
  const wal = fs.readFileSync(file);
  const pageSize = wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  let commits = 0;
  for (let at = 32; at + 24 + pageSize <= wal.length; at += 24 + pageSize) {
    if (wal.subarray(at + 8, at + 16).equals(salt) && wal.readUInt32BE(at + 4) > 0) commits++;
  }
  return commits;
}

/** Runs a module in a process of its own, as the command would be; without the flags that this test run has. */
async function runScript(sandbox: Sandbox, body: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const script = `
    import { openStore } from ${JSON.stringify(path.resolve('src/adapters/store/store.ts'))};
    import { readStore } from ${JSON.stringify(path.resolve('src/adapters/store/readStore.ts'))};
    const batonDir = ${JSON.stringify(sandbox.batonDir)};
    const workerPath = ${JSON.stringify(path.resolve('src/adapters/store/worker.ts'))};
    const quiet = () => {};
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    ${body}`;
  const file = path.join(sandbox.root, 'script.mts');
  fs.writeFileSync(file, script);
  const child = spawn(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', file], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}
