import assert from 'node:assert/strict';
import { BatonError } from '../../../src/core/errors.ts';
import { cli, NO_GIT } from '../../support/cli.ts';
import { makeFolder } from '../../support/folder.ts';
import { makeRepo } from '../../support/repo.ts';
import { decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';

/** For each command what it is given; `wrongUse` is its exit code for that where it is not 2; `changes` for those that change something and have --dry-run. A new command belongs here. */
const COMMANDS: Readonly<Record<string, { readonly words?: readonly string[]; readonly changes?: true; readonly offline?: true; readonly wrongUse?: number }>> = {
  init: { changes: true, offline: true },
  doctor: { offline: true },
  add: { words: ['Say hello'], changes: true },
  import: { words: ['github'], changes: true, offline: true },
  run: { words: ['--once'], changes: true },
  dashboard: {},
  queue: {},
  active: {},
  'list-tasks': { words: ['--state', 'awaiting_human'] },
  'list-templates': { offline: true },
  'list-schedules': {},
  task: { words: ['asks', '--approve'], changes: true },
  review: {},
  metrics: { words: ['--since', '7d'] },
  health: { wrongUse: 64 },
  report: { words: ['finished'] },
  search: { words: ['hello'], offline: true },
  summary: {},
  message: { words: ['asks', 'hello'], changes: true },
  'take-over': { words: ['asks'], changes: true },
  'hand-back': { words: ['asks', 'go on'], changes: true },
  pause: { changes: true },
  resume: { changes: true },
  stop: { changes: true },
  edit: { words: ['ready'], changes: true },
  delete: { words: ['ready', '--force'], changes: true },
  'clean-state': { words: ['--force'], changes: true },
  completion: { words: ['bash'], offline: true },
};

const ISSUES = JSON.stringify([{ number: 7, title: 'A bug', body: '', labels: [], url: 'https://github.com/o/r/issues/7', author: { login: 'ada' } }]);

const makeEngine = (): MemoryEngine =>
  new MemoryEngine([
    taskView('ready', { group: 'held', source: { file: 'task.md', line: 1 } }),
    taskView('asks', { state: 'awaiting_human_review', decisions: [decision('d1', 'asks')] }),
    taskView('finished', { state: 'done', cost_usd: 0.12 }),
  ]);
const world = { cwd: '', env: { EDITOR: 'true' }, onTerminal: () => 0, exec: (file: string) => (file === 'gh' ? { code: 0, stdout: ISSUES, stderr: '' } : NO_GIT) };
const folder = makeFolder();
before('a repository', async () => {
  world.cwd = (await makeRepo(undefined, folder.root)).root;
});
after('remove it', () => folder.remove());

/** Whatever is no command's own business: --help shows every command. */
async function names(): Promise<string[]> {
  const { stdout } = await cli(makeEngine(), ['--help']);
  return [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
}

describe('Every command', () => {
  it('is in this table', async () => {
    assert.deepEqual((await names()).sort(), Object.keys(COMMANDS).sort());
  });

  for (const [name, { words = [], changes, offline, wrongUse = 2 }] of Object.entries(COMMANDS)) {
    it(`${name} --json prints one JSON document and nothing else (row 74)`, async () => {
      const { stdout, stderr } = await cli(makeEngine(), [name, ...words, '--json'], world);
      assert.equal(typeof JSON.parse(stdout), 'object');
      assert.equal(stderr, '');
      assert.ok(stdout.endsWith('}\n'), 'it ends with a newline');
    });

    it(`${name} --json tells an error as one document {error}`, async () => {
      const connect = () => Promise.reject(new BatonError('git', 'This is no repository.'));
      const runs: (readonly string[])[] = [[name, ...words, '--json', '--no-such-option'], ...(offline ? [] : [[name, ...words, '--json']])];
      for (const argv of runs) {
        const { code, stdout, stderr } = await cli(makeEngine(), argv, { ...world, connect });
        const { error } = JSON.parse(stdout) as { error: { kind: string; message: string } };
        assert.ok(error.kind.length > 0 && error.message.length > 0, stdout);
        assert.equal(stderr, '');
        assert.equal(code, error.kind === 'usage' ? wrongUse : 1);
      }
    });

    it(`${name} prints no colour where NO_COLOR is set or nobody looks (row 181)`, async () => {
      for (const more of [{ isTTY: true, env: { ...world.env, NO_COLOR: '1' } }, { isTTY: false }]) {
        const { stdout, stderr } = await cli(makeEngine(), [name, ...words, ...(changes ? ['--dry-run'] : [])], { ...world, ...more });
        assert.doesNotMatch(stdout + stderr, /\x1b\[[0-9;]*m/);
      }
    });

    if (changes) {
      it(`${name} --dry-run says what would happen and changes nothing (row 59)`, async () => {
        const engine = makeEngine();
        const { code, stdout } = await cli(engine, [name, ...words, '--dry-run'], world);
        assert.equal(code, 0);
        // What init finds written already, it would keep.
        assert.match(stdout, name === 'init' ? /would|kept/i : /would/i);
        assert.deepEqual(engine.commands.filter((command) => !('dry_run' in command && command.dry_run)), []);
        const document = JSON.parse((await cli(makeEngine(), [name, ...words, '--dry-run', '--json'], world)).stdout) as Record<string, unknown>;
        assert.equal(document['dry_run'], true);
      });
    } else {
      it(`${name} has no --dry-run, since it changes nothing`, async () => {
        const { code, stderr } = await cli(makeEngine(), [name, ...words, '--dry-run'], world);
        assert.equal(code, wrongUse, stderr);
      });
    }

    it(`${name} --help says what it does`, async () => {
      const { code, stdout } = await cli(makeEngine(), [name, '--help'], world);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: baton ${name}`));
      assert.match(stdout, /--json/);
    });
  }
});
