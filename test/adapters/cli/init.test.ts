import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findRepository } from '../../../src/host/repositoryKey.ts';
import { loadConfig } from '../../../src/core/config/load.ts';
import { parseTaskMarkdown } from '../../../src/core/taskFile.ts';
import { cli, type CliRun } from '../../support/cli.ts';
import { documentOf, errorSchema, initSchema } from '../../support/cliSchemas.ts';
import { MemoryEngine } from '../../support/memoryEngine.ts';
import { makeRepo } from '../../support/repo.ts';
import { tempDir } from '../../support/tmp.ts';

const init = (cwd: string, ...argv: string[]): Promise<CliRun> => cli(new MemoryEngine(), ['init', ...argv], { cwd, findRepository });

describe('baton init', () => {
  it('writes configuration, ignore file and example task, and says what next (row 56)', async () => {
    const { root } = await makeRepo();
    const { code, stdout } = await init(root);
    assert.equal(code, 0);
    assert.match(stdout, /^Created \.baton\/\.gitignore\nCreated \.baton\/orchestrator\.yaml\nCreated \.baton\/tasks\/example\.md\n\nNext:\n {2}baton doctor /);
    const config = loadConfig(readFileSync(path.join(root, '.baton/orchestrator.yaml'), 'utf8'), '.baton/orchestrator.yaml', {});
    assert.deepEqual([config.valid, config.problems], [true, []]);
    const example = parseTaskMarkdown(readFileSync(path.join(root, '.baton/tasks/example.md'), 'utf8'), '.baton/tasks/example.md');
    // It asks before it starts: nothing runs by surprise.
    assert.deepEqual([example.problems, example.tasks.map(({ definition }) => [definition.id, definition.requires_approval])], [[], [['example', true]]]);
  });

  it('keeps state out of git and lets configuration and tasks in (row 186)', async () => {
    const repo = await makeRepo();
    const { root } = repo;
    await init(root);
    await repo.write({ '.baton/state/x.json': '{}', '.baton/baton.db': '', '.baton/baton.db-wal': '', '.baton/checkpoint.json': '{}', '.baton/runs/x/a1/transcript.jsonl': '', '.baton/ORCHESTRATOR_RUN_LOG.md': '' });
    assert.deepEqual((await repo.git('status', '--porcelain', '--untracked-files=all')).split('\n').sort(), ['?? .baton/.gitignore', '?? .baton/orchestrator.yaml', '?? .baton/tasks/example.md']);
  });

  it('works from a subfolder and from a linked worktree on the main checkout', async () => {
    const repo = await makeRepo();
    const { root } = repo;
    const linked = path.join(tempDir(), 'linked');
    await repo.git('worktree', 'add', '--quiet', linked);
    assert.equal(documentOf(initSchema, (await init(linked, '--json')).stdout).root, root);
    assert.ok(existsSync(path.join(root, '.baton/orchestrator.yaml')));
    mkdirSync(path.join(root, 'deep/er'), { recursive: true });
    assert.deepEqual(documentOf(initSchema, (await init(path.join(root, 'deep/er'), '--json')).stdout).created, []);
  });

  it('never overwrites', async () => {
    const { root } = await makeRepo({ '.baton/orchestrator.yaml': 'merge: {policy: auto}\n' });
    const { stdout } = await init(root);
    assert.match(stdout, /Kept \.baton\/orchestrator\.yaml as it is/);
    assert.equal(readFileSync(path.join(root, '.baton/orchestrator.yaml'), 'utf8'), 'merge: {policy: auto}\n');
    assert.deepEqual(documentOf(initSchema, (await init(root, '--json')).stdout).created, []);
  });

  it('does not put a second configuration before the one in config/', async () => {
    const { root } = await makeRepo({ 'config/orchestrator.yaml': '{}\n' });
    const { kept } = documentOf(initSchema, (await init(root, '--json')).stdout);
    assert.deepEqual(kept, ['config/orchestrator.yaml']);
    assert.ok(!existsSync(path.join(root, '.baton/orchestrator.yaml')));
  });

  it('writes nothing with --dry-run (row 59)', async () => {
    const { root } = await makeRepo();
    const { stdout } = await init(root, '--dry-run');
    assert.match(stdout, /^Would create \.baton\/\.gitignore\nWould create \.baton\/orchestrator\.yaml\n/);
    assert.ok(!existsSync(path.join(root, '.baton')));
  });

  it('refuses a folder without git, and says what to do', async () => {
    const { code, stderr } = await init(tempDir());
    assert.equal(code, 1);
    assert.match(stderr, /is not in a git repository\. Run "git init" there, or open a folder of a repository\.\n$/);
  });

  it('says so when it cannot write', async () => {
    const { root } = await makeRepo();
    writeFileSync(path.join(root, '.baton'), 'a file in the way');
    const { code, stdout } = await init(root, '--json');
    assert.equal(code, 1);
    assert.equal(documentOf(errorSchema, stdout).error.kind, 'store');
  });
});
