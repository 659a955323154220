import assert from 'node:assert/strict';
import { cli } from '../../support/cli.ts';
import { AT, MemoryEngine } from '../../support/memoryEngine.ts';
import { makeFolder } from '../../support/folder.ts';

const TEMPLATE = '---\nrisk: low\n---\n# Update {{package}} to {{version: the latest}}\n\nMind the changelog of {{package}}.\n';

const folders: ReturnType<typeof makeFolder>[] = [];
function cwd(files: Record<string, string> = { '.baton/templates/update.md': TEMPLATE }): string {
  const folder = makeFolder(files);
  folders.push(folder);
  return folder.root;
}
afterEach('remove folders', () => {
  for (const folder of folders.splice(0)) folder.remove();
});

describe('baton add --template (row 243)', () => {
  it('queues the task that the template makes, with options that outrank it', async () => {
    const engine = new MemoryEngine([]);
    const { code } = await cli(engine, ['add', '--template', 'update', '--set', 'package=zod', '--risk', 'high', '--id', 'zod'], { cwd: cwd() });
    assert.equal(code, 0);
    assert.deepEqual(engine.commands, [
      { type: 'add_task', task: { id: 'zod', goal: 'Update zod to the latest', description: 'Mind the changelog of zod.', risk: 'high', source: 'template update' } },
    ]);
  });

  it('changes nothing with --dry-run, and says what it would queue', async () => {
    const engine = new MemoryEngine([]);
    const { stdout } = await cli(engine, ['add', '--template', 'update', '--set', 'package=a=b', '--dry-run'], { cwd: cwd() });
    assert.equal(stdout, 'Dry run: Would queue a task: Update a=b to the latest\n');
    assert.deepEqual(engine.commands, []);
  });

  it('says what is wrong with the words', async () => {
    const folder = cwd();
    const fault = async (...words: string[]): Promise<string> => {
      const { code, stderr } = await cli(new MemoryEngine([]), ['add', ...words], { cwd: folder });
      assert.equal(code, 2, words.join(' '));
      return stderr.trim();
    };
    assert.equal(await fault('--template', 'upgrade'), 'baton: There is no template "upgrade". There are update.');
    assert.equal(await fault('--template', 'update'), 'baton: The template .baton/templates/update.md needs "package". Give each of them a value.');
    assert.equal(await fault('--template', 'update', 'words'), 'baton: The goal comes from the template. Leave it out, or leave out --template.');
    assert.equal(await fault('goal', '--set', 'a=b'), 'baton: --set gives values to a template. Name it with --template.');
    assert.match(await fault('--template', 'update', '--set', 'package'), /"package" is no key=value/);
  });
});

describe('baton list-templates', () => {
  it('names each with the values it takes', async () => {
    const { stdout } = await cli(new MemoryEngine([]), ['list-templates'], { cwd: cwd() });
    assert.equal(stdout, 'update: Update {{package}} to {{version: the latest}}\n  --set package=…\n  --set version=the latest (when not given)\n');
    const { stdout: none } = await cli(new MemoryEngine([]), ['list-templates'], { cwd: cwd({}) });
    assert.match(none, /^No templates/);
  });
});

describe('baton list-schedules', () => {
  const engine = (): MemoryEngine => {
    const one = new MemoryEngine([]);
    const at = (hours: number): string => new Date(Date.parse(AT) + hours * 3_600_000).toISOString();
    one.update(() => ({
      schedules: [
        { name: 'nightly', cron: '0 3 * * *', timezone: 'UTC', template: 'check', enabled: true, last_due: at(-2), next_due: at(22), source: { file: '.baton/schedules.yaml', line: 2 } },
        { name: 'resting', cron: '@weekly', timezone: null, template: 'check', enabled: false, last_due: null, next_due: null, source: { file: '.baton/schedules.yaml', line: 6 } },
      ],
    }));
    return one;
  };

  it('shows when each was and will be due', async () => {
    const { stdout } = await cli(engine(), ['list-schedules']);
    const rows = stdout.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
    assert.deepEqual(rows, [
      ['Schedule', 'When', 'Template', 'Last due', 'Next due'],
      ['nightly', '0 3 * * * (UTC)', 'check', '2h ago', 'in 22h'],
      ['resting', '@weekly', 'check', '-', 'off'],
    ]);
  });

  it('gives one JSON document', async () => {
    const { schedules } = JSON.parse((await cli(engine(), ['list-schedules', '--json'])).stdout) as { schedules: Record<string, unknown>[] };
    assert.deepEqual(schedules.map(({ name, file, line, enabled }) => [name, file, line, enabled]), [
      ['nightly', '.baton/schedules.yaml', 2, true],
      ['resting', '.baton/schedules.yaml', 6, false],
    ]);
  });
});
