import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createSources } from '../../../src/adapters/sources/sources.ts';
import { readTemplates } from '../../../src/adapters/sources/templates.ts';
import type { Log } from '../../../src/engine/ports.ts';
import { makeFolder, until } from '../../support/folder.ts';

const loadCron = () => import('../../../src/core/cron.ts');
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const SCHEDULES = 'schedules:\n  - name: weekly\n    cron: "@weekly"\n    template: update\n    set: {package: zod}\n';

describe('Schedules and templates as files (row 243)', () => {
  let folder: ReturnType<typeof makeFolder>;
  const open = (files: Record<string, string> = {}) => {
    folder = makeFolder(files);
    return createSources({ root: folder.root, env: {}, log: silent, loadCron });
  };
  afterEach(() => folder.remove());

  it('come with the text of their template, case aside', async () => {
    const sources = open({ '.baton/schedules.yaml': SCHEDULES, '.baton/templates/Update.md': '# Update {{package}}\n', '.baton/templates/README.md': '# About\n' });
    const { schedules, problems } = await sources.schedules();
    assert.deepEqual(problems, []);
    assert.deepEqual(schedules.map(({ schedule, line, template }) => [schedule.name, line, template.file]), [['weekly', 2, '.baton/templates/Update.md']]);
    assert.deepEqual((await readTemplates(folder.root)).map(({ name, title }) => [name, title]), [['Update', 'Update {{package}}']]);
  });

  it('say where a template is missing, lacks a value or is none', async () => {
    const sources = open({
      '.baton/schedules.yaml': `${SCHEDULES}  - {name: two, cron: "@daily", template: nowhere}\n  - {name: three, cron: "@daily", template: update}\n`,
      '.baton/templates/update.md': '# Update {{package}}\n',
      '.baton/templates/broken.md': '---\nrisk: [\n---\n# x {{\n',
    });
    const { schedules, problems } = await sources.schedules();
    assert.deepEqual(schedules.map(({ schedule }) => schedule.name), ['weekly']);
    assert.deepEqual(problems.map(({ file, line, column }) => `${file}:${line}:${column}`), [
      '.baton/templates/broken.md:2:8',
      '.baton/templates/broken.md:4:5',
      '.baton/schedules.yaml:6:43',
      '.baton/schedules.yaml:7:45',
    ]);
    assert.match(problems[2]?.message ?? '', /no template \.baton\/templates\/nowhere\.md; there are broken, update\.$/);
    assert.match(problems[3]?.message ?? '', /needs "package"/);
  });

  it('are none where there are no files', async () => {
    assert.deepEqual(await open().schedules(), { schedules: [], problems: [] });
  });

  for (const events of [true, false]) {
    it(`tell when they change, ${events ? 'by events' : 'by polling'}`, async () => {
      folder = makeFolder();
      const sources = createSources({ root: folder.root, env: {}, log: silent, loadCron, watchEvents: events, pollMs: 20 });
      const heard: string[] = [];
      const watcher = sources.watch((what) => heard.push(what), () => '.claude_stop');
      try {
        const change = async (what: string, act: () => void): Promise<void> => {
          heard.length = 0;
          act();
          await until(() => heard.includes('schedules'), what);
        };
        // The first picture is taken in the background; what is written until then belongs to it.
        await until(async () => {
          folder.write('.baton/schedules.yaml', `# ${heard.length}\n`);
          await new Promise((resolve) => setTimeout(resolve, 20));
          return heard.includes('schedules');
        }, 'the first schedules');
        await change('a template', () => folder.write('.baton/templates/a.md', '# a\n'));
        await change('a template changed', () => folder.write('.baton/templates/a.md', '# another\n'));
        await change('a template gone', () => rmSync(join(folder.root, '.baton/templates/a.md')));
      } finally {
        watcher.dispose();
      }
    });
  }
});
