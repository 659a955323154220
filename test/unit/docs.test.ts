import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cli } from '../support/cli.ts';
import { MemoryEngine } from '../support/memoryEngine.ts';

const DOCS = ['README.md', ...globSync('docs/*.md')];
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string>; contributes: { commands: { title: string; category?: string }[] } };

/** Lines of shell blocks, and inline code that is a command of ours. */
function commands(text: string, program: string): string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').split('\n'));
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return [...blocks, ...inline].map((line) => line.trim()).filter((line) => line === program || line.startsWith(`${program} `));
}

describe('The documentation (row 60)', () => {
  for (const file of DOCS) {
    const text = readFileSync(file, 'utf8');

    it(`${file} names only commands and options that "baton" has`, async () => {
      for (const line of commands(text, 'baton')) {
        const [, command = '', ...rest] = line.split(/\s+/);
        if (command === '' || !/^[a-z-]+$/.test(command)) continue;
        const { code, stdout } = await cli(new MemoryEngine([]), [command, '--help']);
        assert.equal(code, 0, `${file}: ${line}`);
        for (const option of rest.filter((word) => word.startsWith('--'))) assert.ok(stdout.includes(option), `${file}: ${line}: no ${option}`);
      }
    });

    it(`${file} names only npm scripts that there are`, () => {
      for (const line of commands(text, 'npm')) {
        const script = /^npm (?:run(?: -s)? )([\w:-]+)/.exec(line)?.[1] ?? (/^npm (start|test)\b/.exec(line)?.[1]);
        if (script !== undefined) assert.ok(script in manifest.scripts, `${file}: ${line}`);
      }
    });

    it(`${file} names only VS Code commands of the manifest`, () => {
      const titles = manifest.contributes.commands.map(({ title, category }) => `${category ?? 'Baton'}: ${title}`);
      for (const [, name = ''] of text.matchAll(/\*(Baton: [^*]+)\*/g)) assert.ok(titles.includes(name), `${file}: ${name}`);
    });

    it(`${file} links only to files that there are`, () => {
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        assert.doesNotThrow(() => readFileSync(path.join(path.dirname(file), target)), `${file}: ${target}`);
      }
    });
  }
});
