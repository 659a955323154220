import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli } from '../../support/cli.ts';
import { makeFolder } from '../../support/folder.ts';
import { MemoryEngine, taskView } from '../../support/memoryEngine.ts';

const types = (engine: MemoryEngine): string[] => engine.commands.map((command) => (command.type === 'clean_state' && command.dry_run === true ? 'look' : command.type));
const engineOf = (): MemoryEngine => new MemoryEngine([taskView('one'), taskView('two', { state: 'implementing' }), taskView('three', { state: 'done' })]);

describe('baton clean-state (row 168)', () => {
  it('names what it would remove and asks; anything but yes leaves everything', async () => {
    for (const typed of [['n'], [''], ['yess']]) {
      const engine = engineOf();
      const { stdout, code } = await cli(engine, ['clean-state'], { typed });
      assert.match(stdout, /Would remove the stored state of 2 tasks\.\n {2}one, three\n.*Go on\? \[y\/N\] Nothing was changed\.\n$/s);
      assert.deepEqual([code, types(engine)], [0, ['look']]);
    }
  });

  it('removes after a yes, and at once with --force', async () => {
    for (const [argv, typed] of [[['clean-state'], ['y']], [['clean-state', '--force'], []]] as const) {
      const engine = engineOf();
      const { stdout } = await cli(engine, argv, { typed });
      assert.match(stdout, /Removed the stored state of 2 tasks\.\n$/);
      assert.deepEqual(types(engine), ['look', 'clean_state']);
    }
  });

  it('does nothing where nobody can be asked, and with --json only with --force', async () => {
    for (const argv of [['clean-state'], ['clean-state', '--json']]) {
      const engine = engineOf();
      const { code, stdout, stderr } = await cli(engine, argv, argv.includes('--json') ? { typed: ['y'] } : {});
      assert.equal(code, 2);
      assert.match(stdout + stderr, /Give --force if you are sure/);
      assert.deepEqual(types(engine), ['look']);
    }
    const { stdout } = await cli(engineOf(), ['clean-state', '--json', '--force']);
    assert.deepEqual((JSON.parse(stdout) as { task_ids: string[] }).task_ids, ['one', 'three']);
  });
});

describe('baton delete', () => {
  it('asks by name, and deletes after a yes', async () => {
    const engine = engineOf();
    const { stdout } = await cli(engine, ['delete', 'ONE'], { typed: ['yes'] });
    assert.equal(stdout, 'Delete one (Goal of one) from .baton/tasks/one.md? [y/N] Deleted one.\n');
    assert.deepEqual(types(engine), ['delete_task']);
    const refused = engineOf();
    assert.match((await cli(refused, ['delete', 'one'], { typed: ['no'] })).stdout, /Nothing was changed/);
    assert.deepEqual(types(refused), []);
  });
});

describe('baton edit', () => {
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(() => {
    folder = makeFolder({ '.baton/tasks.yaml': '# mine\n- {id: one, goal: x}\n' });
  });
  afterEach(() => folder.remove());
  const edit = (engine: MemoryEngine, env: Record<string, string>, act: (file: string) => number) => {
    const seen: string[] = [];
    const run = cli(engine, ['edit', 'one'], {
      env,
      root: folder.root,
      onTerminal: (program, args) => {
        seen.push([program, ...args].join(' ').replace(folder.root, ''));
        return act(args.at(-1) ?? '');
      },
    });
    return run.then((result) => ({ ...result, seen }));
  };
  const engine = (): MemoryEngine => new MemoryEngine([taskView('one', { source: { file: '.baton/tasks.yaml', line: 2 } })]);

  it('opens the definition at its line in VISUAL before EDITOR, and reads it again when it was changed', async () => {
    const one = engine();
    const { stdout, seen, code, opened, closed } = await edit(one, { VISUAL: 'vim -n "a b"', EDITOR: 'nano' }, (file) => {
      writeFileSync(file, '# mine\n- {id: one, goal: another}\n');
      return 0;
    });
    assert.deepEqual(seen, [`vim -n a b +2 ${join('/', '.baton/tasks.yaml')}`]);
    assert.equal(stdout, '.baton/tasks.yaml was read again.\n');
    assert.deepEqual([code, types(one)], [0, ['refresh']]);
    assert.deepEqual([opened.length, closed], [2, 2]);
  });

  it('says so when nothing was changed, and gives editors it does not know the file alone', async () => {
    const one = engine();
    const { stdout, seen } = await edit(one, { EDITOR: 'code --wait' }, () => 0);
    assert.deepEqual(seen, ['code --wait /.baton/tasks.yaml']);
    assert.match(stdout, /was left as it is/);
    assert.deepEqual(types(one), []);
  });

  it('says what is wrong with the editor', async () => {
    assert.match((await edit(engine(), {}, () => 0)).stderr, /No editor is known\. Set EDITOR/);
    const { code, stderr } = await edit(engine(), { EDITOR: 'nano' }, () => 1);
    assert.equal(code, 2);
    assert.match(stderr, /nano ended with exit code 1/);
  });

  it('says where a task has no file any more', async () => {
    const { stderr, code } = await cli(new MemoryEngine([taskView('one', { source: null })]), ['edit', 'one'], { env: { EDITOR: 'nano' } });
    assert.equal(code, 1);
    assert.match(stderr, /has no definition file any more/);
  });
});
