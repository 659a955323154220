import assert from 'node:assert/strict';
import { BatonError } from '../../../src/core/errors.ts';
import { cli } from '../../support/cli.ts';
import { documentOf, errorSchema } from '../../support/cliSchemas.ts';
import { decision, MemoryEngine, taskView } from '../../support/memoryEngine.ts';

const engine = () =>
  new MemoryEngine([
    taskView('a', { state: 'awaiting_human_review', decisions: [decision('d1', 'a')] }),
    taskView('b', { state: 'implementing' }),
    taskView('c', { state: 'failed', error: 'Gates failed 3 times' }),
  ]);

/** One call of every command that looks or changes. */
const EVERY = [
  ['add', 'Fix it'],
  ['queue'],
  ['list-tasks'],
  ['active'],
  ['task', 'a'],
  ['task', 'a', '--approve'],
  ['task', 'c', '--retry'],
  ['review'],
  ['summary'],
  ['pause'],
  ['resume'],
  ['stop'],
  ['message', 'b', 'hello'],
  ['doctor'],
];

describe('every command', () => {
  for (const argv of EVERY) {
    it(`baton ${argv.join(' ')} --json prints one JSON document and nothing else (row 74)`, async () => {
      const { stdout, stderr } = await cli(engine(), [...argv, '--json'], { isTTY: true });
      assert.equal(typeof JSON.parse(stdout), 'object');
      assert.doesNotMatch(stdout, /\x1b/);
      assert.equal(stderr, '');
    });

    it(`baton ${argv.join(' ')} has no colour when not a terminal, or with NO_COLOR`, async () => {
      assert.doesNotMatch((await cli(engine(), argv)).stdout, /\x1b/);
      assert.doesNotMatch((await cli(engine(), argv, { isTTY: true, env: { NO_COLOR: '1' } })).stdout, /\x1b/);
      assert.doesNotMatch((await cli(engine(), argv, { isTTY: true, env: { TERM: 'dumb' } })).stdout, /\x1b/);
    });

    it(`baton ${argv.join(' ')} works on the repository that --cwd names, before or behind the command`, async () => {
      if (argv[0] === 'doctor') return; // looks for the repository itself; see its own tests
      for (const line of [[...argv, '--cwd', 'sub/folder'], ['--cwd', 'sub/folder', ...argv]]) {
        assert.equal((await cli(engine(), line, { cwd: '/repo' })).opened[0]?.folder, '/repo/sub/folder');
      }
    });

    it(`baton ${argv.join(' ')} explains itself with --help`, async () => {
      const { code, stdout } = await cli(engine(), [argv[0] ?? '', '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /^Usage: baton /);
      assert.match(stdout, /--json/);
    });
  }

  it('lets go of the session when the engine refuses', async () => {
    const refusing = engine();
    refusing.onCommand = () => {
      throw new BatonError('conflict', 'The task changed meanwhile.', { hint: 'Look at it again.' });
    };
    const { code, stderr, closed } = await cli(refusing, ['pause']);
    assert.deepEqual([code, stderr, closed], [1, 'baton: The task changed meanwhile. Look at it again.\n', 1]);
  });
});

describe('errors', () => {
  const failing = (error: Error) => cli(engine(), ['summary'], { connect: () => Promise.reject(error) });
  const failingJson = async (error: Error) =>
    documentOf(errorSchema, (await cli(engine(), ['summary', '--json'], { connect: () => Promise.reject(error) })).stdout);

  it('are one line on stderr: what, why, what to do', async () => {
    const { code, stdout, stderr } = await failing(new BatonError('leader_busy', 'another Baton holds\nthis repository', { hint: 'Close it' }));
    assert.deepEqual([code, stdout, stderr], [1, '', 'baton: Another Baton holds this repository. Close it.\n']);
  });

  it('begin with file:line:column where they are about a file (row 184)', async () => {
    const error = new BatonError('invalid_task', 'risk must be low, medium or high', { location: { file: '.baton/tasks.yaml', line: 7, column: 11 } });
    assert.equal((await failing(error)).stderr, 'baton: .baton/tasks.yaml:7:11: Risk must be low, medium or high.\n');
    assert.deepEqual(await failingJson(error), { error: { kind: 'invalid_task', message: 'Risk must be low, medium or high.', file: '.baton/tasks.yaml', line: 7 } });
  });

  it('are told from wrong use by the exit code', async () => {
    assert.equal((await failing(new BatonError('usage', 'that is not how'))).code, 2);
    assert.equal((await failing(new BatonError('store', 'disk full'))).code, 1);
  });

  it('never show a stack unless BATON_DEBUG asks for it', async () => {
    const crash = () => Promise.reject(new TypeError('x is not a function'));
    const quiet = await cli(engine(), ['summary'], { connect: crash });
    assert.equal(quiet.stderr, 'baton: Something unexpected failed: X is not a function. Run it again with BATON_DEBUG=1 to see where, and report that.\n');
    const loud = await cli(engine(), ['summary'], { connect: crash, env: { BATON_DEBUG: '1' } });
    assert.match(loud.stderr, /output\.test\.ts/);
    assert.equal(loud.stderr.split('\n').length, 2);
  });

  it('cannot carry escape sequences to the terminal', async () => {
    assert.doesNotMatch((await failing(new BatonError('git', 'bad \x1b]0;x\x07 ref'))).stderr, /\x1b|\x07/);
  });
});

describe('wrong use', () => {
  for (const argv of [['frobnicate'], ['queue', '--frob'], ['task'], ['list-tasks', '--state'], ['queue', 'extra'], ['summary', '--dry-run']]) {
    it(`baton ${argv.join(' ')} ends with 2, in words and in JSON`, async () => {
      const said = await cli(engine(), argv);
      assert.equal(said.code, 2);
      assert.equal(said.stdout, '');
      assert.match(said.stderr, /^baton: .+\n$/);
      const json = await cli(engine(), [...argv, '--json']);
      assert.equal(json.code, 2);
      assert.equal(documentOf(errorSchema, json.stdout).error.kind, 'usage');
      assert.equal(json.stderr, '');
    });
  }

  it('names the help of the command that was used wrongly', async () => {
    const ends = async (argv: readonly string[], hint: string): Promise<void> => assert.ok((await cli(engine(), argv)).stderr.endsWith(` See "${hint}".\n`), argv.join(' '));
    await ends(['queue', '--frob'], 'baton queue --help');
    await ends(['summary', '--dry-run'], 'baton summary --help');
    await ends(['frobnicate'], 'baton --help');
  });

  it('suggests the command that was meant', async () => {
    assert.match((await cli(engine(), ['lits-tasks'])).stderr, /Did you mean list-tasks\?/);
  });

  it('shows the commands when none was given', async () => {
    const { code, stderr, stdout } = await cli(engine(), []);
    assert.deepEqual([code, stdout], [2, '']);
    for (const name of ['init', 'run', 'add', 'queue', 'list-tasks', 'active', 'task', 'review', 'summary', 'pause', 'resume', 'stop', 'doctor', 'message']) {
      assert.match(stderr, new RegExp(`\\n {2}${name}\\b`));
    }
  });

  it('prints help and version with exit code 0', async () => {
    assert.match((await cli(engine(), ['--help'])).stdout, /^Usage: baton /);
    assert.deepEqual(await cli(engine(), ['--version']).then(({ code, stdout }) => [code, stdout]), [0, '1.2.3\n']);
  });
});
