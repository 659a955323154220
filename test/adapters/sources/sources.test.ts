import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBatonFolder } from '../../../src/adapters/sources/batonFolder.ts';
import { createSources } from '../../../src/adapters/sources/sources.ts';
import { hashOf } from '../../../src/adapters/sources/taskFiles.ts';
import { defaultConfig } from '../../../src/core/config/schema.ts';
import type { Log, Sources } from '../../../src/engine/ports.ts';
import { makeFolder, until } from '../../support/folder.ts';

const loadCron = () => import('../../../src/core/cron.ts');
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('The files of a repository', () => {
  let folder: ReturnType<typeof makeFolder>;
  let sources: Sources;
  const open = (files: Record<string, string> = {}, env: Record<string, string> = {}): void => {
    folder = makeFolder(files);
    sources = createSources({ root: folder.root, env, log: silent, loadCron });
  };
  afterEach(() => folder.remove());

  describe('as a permission that is always given (row 249)', () => {
    const rule = { tool: 'Bash', pattern: 'npm test', then: 'allow' } as const;

    it('get one line more, where it has its effect, and keep everything else', async () => {
      open({ '.baton/orchestrator.yaml': '# Ours\nmerge: {policy: auto} # all green\npermissions:\n  # the rest\n  - {tool: "*", then: ask}\n' });
      assert.equal(await sources.addPermission(rule), '.baton/orchestrator.yaml');
      assert.equal(readFileSync(join(folder.root, '.baton/orchestrator.yaml'), 'utf8'), '# Ours\nmerge: {policy: auto} # all green\npermissions:\n  # the rest\n  - {tool: Bash, pattern: npm test, then: allow}\n  - {tool: "*", then: ask}\n');
      assert.deepEqual((await sources.config()).config.permissions[0], rule);
    });

    it('stay closed to whom they were closed: a token may stand in them', async function () {
      if (process.platform === 'win32') return void this.skip();
      open({ '.baton/orchestrator.yaml': '# Ours alone\nmerge: {policy: auto}\n' });
      const file = join(folder.root, '.baton/orchestrator.yaml');
      chmodSync(file, 0o600);
      await sources.addPermission(rule);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    it('are made where there is none, and the one in force is used', async () => {
      open();
      assert.equal(await sources.addPermission(rule), '.baton/orchestrator.yaml');
      assert.deepEqual((await sources.config()).config.permissions, [rule]);
      folder.remove();
      open({ 'config/orchestrator.yaml': 'permissions: []\n' });
      assert.equal(await sources.addPermission(rule), 'config/orchestrator.yaml');
      assert.equal(readFileSync(join(folder.root, 'config/orchestrator.yaml'), 'utf8'), 'permissions: [{tool: Bash, pattern: npm test, then: allow}]\n');
    });

    it('are left alone when they have errors', async () => {
      open({ '.baton/orchestrator.yaml': 'permissions: [{tool: x}]\n' });
      await assert.rejects(sources.addPermission(rule), /has errors/);
      assert.equal(readFileSync(join(folder.root, '.baton/orchestrator.yaml'), 'utf8'), 'permissions: [{tool: x}]\n');
    });
  });

  describe('as tasks', () => {
    it('are tasks.yaml and every file of tasks/, with file, line, hash and time', async () => {
      open({ '.baton/tasks.yaml': '- id: a\n  goal: x\n- {id: b, goal: y, depends_on: [a]}\n', '.baton/tasks/c.md': '# z\n', '.baton/tasks/README.md': '# About\n', '.baton/tasks/.hidden.md': '# x', '.baton/tasks/notes.txt': 'x' });
      utimesSync(join(folder.root, '.baton/tasks/c.md'), 1_700_000_000, 1_700_000_000);
      const { tasks, problems } = await sources.tasks();
      assert.deepEqual(problems, []);
      assert.deepEqual(tasks.map((t) => [t.definition.id, t.file, t.line]), [['a', '.baton/tasks.yaml', 1], ['b', '.baton/tasks.yaml', 3], ['c', '.baton/tasks/c.md', 1]]);
      assert.equal(tasks[2]?.modified_at, '2023-11-14T22:13:20.000Z');
      assert.deepEqual(tasks[1]?.dependencies_at, [{ line: 3, column: 33 }]);
      assert.match(tasks[0]?.hash ?? '', /^[0-9a-f]{64}$/);
    });
    it('have a hash of what is asked, not of how it is written or when', () => {
      open();
      const hash = hashOf({ id: 'a', goal: 'x', risk: 'low' });
      assert.equal(hashOf({ risk: 'low', goal: 'x', id: 'a', created_at: '2026-01-01', source: 'cli' }), hash);
      assert.notEqual(hashOf({ id: 'a', goal: 'x', risk: 'high' }), hash);
    });
    it('are none where there is no folder', async () => {
      open();
      assert.deepEqual(await sources.tasks(), { tasks: [], problems: [] });
    });
    it('are read again when they change, also within the same moment and with the same size', async () => {
      open({ '.baton/tasks/c.md': '# one\n' });
      for (const goal of ['one', 'two', 'six', 'ten']) {
        folder.write('.baton/tasks/c.md', `# ${goal}\n`);
        assert.equal((await sources.tasks()).tasks[0]?.definition.goal, goal);
      }
    });
    it('report duplicate ids across files', async () => {
      open({ '.baton/tasks.yaml': '- {id: C, goal: x}\n', '.baton/tasks/c.md': '# z\n' });
      const { tasks, problems } = await sources.tasks();
      assert.deepEqual([tasks.length, problems.length], [0, 2]);
    });
  });

  describe('as prompts', () => {
    it('are those of .baton/prompts by role; an empty file counts as none', async () => {
      open({ '.baton/prompts/planner.md': 'Plan {{goal}}.\n', '.baton/prompts/implementer.md': ' \n' });
      assert.equal(await sources.prompt('planner'), 'Plan {{goal}}.\n');
      assert.equal(await sources.prompt('implementer'), undefined);
      assert.equal(await sources.prompt('code_reviewer'), undefined);
    });
  });

  describe('as configuration', () => {
    it('are the defaults where there is none', async () => {
      open();
      assert.deepEqual(await sources.config(), { config: defaultConfig(), problems: [], valid: true });
    });
    it('come from .baton/orchestrator.yaml, else from config/orchestrator.yaml', async () => {
      open({ 'config/orchestrator.yaml': 'orchestrator: {poll_interval: 2}' });
      assert.equal((await sources.config()).config.orchestrator.poll_interval, 2);
      folder.write('.baton/orchestrator.yaml', 'orchestrator: {poll_interval: 3}');
      assert.equal((await sources.config()).config.orchestrator.poll_interval, 3);
    });
    it('see the environment that was handed in (row 75)', async () => {
      open({ '.baton/orchestrator.yaml': 'notifications: {webhook_url: "${HOOK}"}' }, { HOOK: 'https://h.example' });
      assert.equal((await sources.config()).config.notifications.webhook_url, 'https://h.example');
    });
    it('stay the last valid ones while the file is wrong', async () => {
      open({ '.baton/orchestrator.yaml': 'orchestrator: {poll_interval: 7, max_concurrent_tasks: 2}' });
      await sources.config();
      folder.write('.baton/orchestrator.yaml', 'orchestrator: {poll_interval: x, max_concurrent_tasks: 9}');
      const { config, problems, valid } = await sources.config();
      assert.deepEqual([config.orchestrator.poll_interval, config.orchestrator.max_concurrent_tasks, valid], [7, 2, false]);
      assert.deepEqual(problems.map((p) => `${p.file}:${p.line}:${p.column}`), ['.baton/orchestrator.yaml:1:31']);
      folder.write('.baton/orchestrator.yaml', 'orchestrator: {poll_interval: 8}');
      assert.equal((await sources.config()).config.orchestrator.poll_interval, 8);
      rmSync(join(folder.root, '.baton/orchestrator.yaml'));
      assert.deepEqual((await sources.config()).config, defaultConfig());
    });
    it('that cannot be read are a problem, not a crash', async () => {
      open();
      mkdirSync(join(folder.root, '.baton/orchestrator.yaml'), { recursive: true });
      const { problems, valid } = await sources.config();
      assert.equal(valid, false);
      assert.match(problems[0]?.message ?? '', /cannot be read \(EISDIR\)/);
    });
  });

  describe('with a new task', () => {
    it('have it as a file named after its id', async () => {
      open();
      assert.equal(await sources.addTask({ id: 'fix-it', goal: 'Fix it', risk: 'low' }), '.baton/tasks/fix-it.md');
      const { tasks } = await sources.tasks();
      assert.deepEqual(tasks.map((t) => t.definition), [{ id: 'fix-it', goal: 'Fix it', risk: 'low' }]);
      assert.deepEqual(readdirSync(join(folder.root, '.baton/tasks')), ['fix-it.md']);
    });
    it('make its id from the goal where it has none', async () => {
      open({ '.baton/tasks.yaml': '- {id: Fix-It, goal: x}\n' });
      assert.equal(await sources.addTask({ id: '', goal: 'Fix it' }), '.baton/tasks/fix-it-2.md');
    });
    it('are never overwritten', async () => {
      open({ '.baton/tasks/fix-it.md': '---\nid: other\n---\n# Mine\n' });
      assert.equal(await sources.addTask({ id: 'fix-it', goal: 'Fix it' }), '.baton/tasks/fix-it-2.md');
      assert.equal(readFileSync(join(folder.root, '.baton/tasks/fix-it.md'), 'utf8'), '---\nid: other\n---\n# Mine\n');
      assert.deepEqual((await sources.tasks()).tasks.map((t) => t.definition.id), ['fix-it', 'other']);
      await assert.rejects(sources.addTask({ id: 'FIX-IT', goal: 'x' }), { kind: 'conflict' });
      await assert.rejects(sources.addTask({ id: '../x', goal: 'x' }), { kind: 'invalid_task' });
    });
    it('keep all of many that are added at once', async () => {
      open();
      const added = await Promise.all(Array.from({ length: 20 }, (_, i) => sources.addTask({ id: '', goal: 'Same goal', labels: [String(i)] })));
      assert.equal(new Set(added).size, 20);
      const { tasks, problems } = await sources.tasks();
      assert.deepEqual([tasks.length, problems], [20, []]);
      assert.equal(new Set(tasks.map((t) => t.definition.labels?.[0])).size, 20);
    });
    it('refuse to write through a link that leads out of the repository', async function () {
      if (process.platform === 'win32') this.skip();
      open();
      const outside = makeFolder();
      try {
        symlinkSync(outside.root, join(folder.root, '.baton'));
        await assert.rejects(sources.addTask({ id: 'x', goal: 'x' }), { kind: 'refused' });
        assert.deepEqual(readdirSync(outside.root), []);
      } finally {
        outside.remove();
      }
    });
  });

  it('say whether the stop file is there (row 79)', async () => {
    open();
    assert.equal(await sources.stopRequested('.claude_stop'), false);
    folder.write('.claude_stop', '');
    assert.equal(await sources.stopRequested('.claude_stop'), true);
    assert.equal(await sources.stopRequested('HALT'), false);
  });

  it('keep Baton\'s own out of version control, and the user\'s lines in place (row 186)', async () => {
    open({ '.baton/.gitignore': '/mine\n/state/' });
    await ensureBatonFolder(folder.root);
    await ensureBatonFolder(folder.root);
    const text = readFileSync(join(folder.root, '.baton/.gitignore'), 'utf8');
    assert.equal(text, '/mine\n/state/\n# Baton writes these files for itself.\n/runs/\n/checkpoint.json\n/baton.db*\n/ORCHESTRATOR_RUN_LOG.md\n/.checkpoint.json.tmp\n/tasks/.*.draft\n');
  });
});

for (const watchEvents of [true, false]) {
  describe(`Watching the files ${watchEvents ? 'by events' : 'by polling'}`, () => {
    let folder: ReturnType<typeof makeFolder>;
    let seen: string[];
    let watcher: { dispose(): void };
    const start = async (files: Record<string, string>, stopHookFile = '.claude_stop'): Promise<void> => {
      folder = makeFolder(files);
      seen = [];
      watcher = createSources({ root: folder.root, env: {}, log: silent, loadCron, watchEvents, pollMs: 25 }).watch((what) => seen.push(what), () => stopHookFile);
      // The watch is in place as soon as it reports a change that is made for this.
      let round = 0;
      await until(() => {
        folder.write('config/orchestrator.yaml', `# ${round++}`);
        return seen.includes('config');
      }, 'the first event');
      await quiet();
    };
    /** Until no more events of what has been done are under way. */
    const quiet = async (): Promise<void> => {
      let last = -1;
      let since = Date.now();
      let looks = 0;
      await until(() => {
        if (seen.length !== last) [last, since, looks] = [seen.length, Date.now(), 0];
        looks += 1;
        // After a stall of this process the time alone says nothing: what came meanwhile is still to be handled.
        return looks > 10 && Date.now() - since > 150;
      }, 'quiet');
      seen.length = 0;
    };
    const sees = (what: string): Promise<void> => until(() => seen.includes(what), what);
    afterEach(() => {
      watcher.dispose();
      folder.remove();
    });

    it('tells of .baton being made, filled, removed and made again', async () => {
      await start({});
      folder.write('.baton/orchestrator.yaml', 'orchestrator: {}');
      await sees('config');
      folder.write('.baton/tasks/a.md', '# a');
      await sees('tasks');
      await quiet();
      folder.write('.baton/tasks/b.md', '# b');
      await sees('tasks');
      await quiet();
      rmSync(join(folder.root, '.baton'), { recursive: true });
      await sees('tasks');
      await sees('config');
      await quiet();
      folder.write('.baton/tasks/c.md', '# c');
      await sees('tasks');
    });
    it('tells of changes, renames and removals', async () => {
      await start({ '.baton/tasks.yaml': '[]', '.baton/tasks/a.md': '# a' });
      folder.write('.baton/tasks.yaml', '- {id: x, goal: y}');
      await sees('tasks');
      await quiet();
      writeFileSync(join(folder.root, '.baton/tmp'), '[]');
      renameSync(join(folder.root, '.baton/tmp'), join(folder.root, '.baton/tasks.yaml'));
      await sees('tasks');
      await quiet();
      rmSync(join(folder.root, '.baton/tasks/a.md'));
      await sees('tasks');
      assert.ok(!seen.includes('config'));
    });
    it('tells of the stop file, also in a folder that is not there yet (row 6)', async () => {
      await start({}, 'ops/HALT');
      folder.write('ops/HALT', '');
      await sees('stop');
      await quiet();
      rmSync(join(folder.root, 'ops/HALT'));
      await sees('stop');
    });
    it('says nothing about other files, such as the database beside them', async () => {
      await start({ '.baton/tasks.yaml': '[]' });
      for (let i = 0; i < 20; i += 1) folder.write('.baton/baton.db-wal', String(i));
      folder.write('src/x.ts', '');
      folder.write('.baton/tasks/a.md', '# a');
      await sees('tasks');
      await quiet();
      folder.write('.baton/state/x.json', '{}');
      folder.write('.baton/orchestrator.yaml', 'a: 1');
      await sees('config');
      assert.deepEqual(new Set(seen), new Set(['config']));
    });
    it('leaves nothing behind when it is disposed', async () => {
      await start({ '.baton/tasks.yaml': '[]' });
      watcher.dispose();
      folder.write('.baton/tasks.yaml', '- {id: x, goal: y}');
      const other = makeFolder();
      const control: string[] = [];
      const second = createSources({ root: folder.root, env: {}, log: silent, loadCron, watchEvents, pollMs: 25 }).watch((what) => control.push(what), () => 'S');
      let round = 0;
      await until(() => {
        folder.write('.baton/tasks.yaml', `# ${round++}`);
        return control.includes('tasks');
      }, 'the other watcher');
      second.dispose();
      other.remove();
      assert.deepEqual(seen, []);
    });
  });
}
