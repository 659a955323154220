import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cli } from '../support/cli.ts';
import { DECISION_KINDS } from '../../src/core/execution.ts';
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

describe('The status in the README (rows 110–117, 218)', () => {
  const status = /^## Status: what is verified, and how\n([\s\S]*?)^## /m.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  const rows = [...status.matchAll(/^\| ([^|]+) \| (`[^|]+`) \|$/gm)].map(([, what = '', how = '']) => ({ what, how }));

  for (const what of [/dashboard/, /metrics \(throughput, latency, error rate, CPU and memory\)/, /health with its three states/, /queue with scores, waits/, /webhooks/, /documentation/, /state machines, plan → review/, /retries/]) {
    it(`says how this is verified: ${what.source}`, () => assert.ok(rows.some((row) => what.test(row.what)), status));
  }

  it('names tests that there are', () => {
    for (const { how } of rows) {
      for (const [, place = ''] of how.matchAll(/`([^`]+)`/g)) {
        const tests = place.endsWith('.ts') ? globSync(place) : globSync(`${place}/**/*.test.ts`);
        assert.notDeepEqual(tests, [], place);
      }
    }
  });

  it('says that figures are measured apart, and what is not verified', () => {
    assert.match(status, /`npm test`[\s\S]*`npm run bench`/);
    assert.match(status, /^Not verified: /m);
  });
});

describe('docs/GUIDE.md (row 187)', () => {
  const guide = readFileSync('docs/GUIDE.md', 'utf8');

  it('leads from a task to a merge: what is saved, retries, questions and the log', () => {
    assert.deepEqual([...guide.matchAll(/^## (.+)$/gm)].map(([, title]) => title).filter((title) => ['The path of a task', 'Try it', 'What is saved', 'Retries', 'When it asks you', 'The run log'].includes(title ?? '')).length, 6);
  });

  it('knows every kind of question', () => {
    for (const kind of DECISION_KINDS) assert.match(guide, new RegExp(`^\\| ${kind.replace('_', ' ')}: `, 'm'), kind);
  });
});

describe('docs/TROUBLESHOOTING.md (row 61)', () => {
  const source = globSync('src/**/*.ts').map((file) => readFileSync(file, 'utf8')).join('\n').replaceAll('’', "'");
  /** Words that stand for whatever it is about, so that the code has a value in their place. */
  const EXAMPLES = /…|\$?\d+(?:\.\d+|x|m|h\d+m|s)?|\b(?:x|y|Y|a, b|anthropic|claude|csv-export|implementing|file:line:column|task_failed|ECONNREFUSED)\b|\.claude_stop|slots are| of |tasks? waits?|attempts|, which|[()";:,]/;

  it('quotes messages that Baton says', () => {
    const text = readFileSync('docs/TROUBLESHOOTING.md', 'utf8');
    const quoted = [...text.matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/(?<!\*)\*([^*]+)\*(?!\*)/g)].map(([, words = '']) => words));
    assert.ok(quoted.length > 40, String(quoted.length));
    const unsaid = quoted.flatMap((words) => {
      const longest = words.split(EXAMPLES).map((part) => part.trim()).sort((a, b) => b.length - a.length)[0] ?? '';
      return source.includes(longest) ? [] : [`${words}: nothing says "${longest}"`];
    });
    assert.deepEqual(unsaid, []);
  });
});

describe('docs/DEPLOYMENT.md (row 60)', () => {
  it('gives the service a PATH, since it has not that of a shell', () => {
    assert.match(readFileSync('docs/DEPLOYMENT.md', 'utf8'), /^Environment=PATH=%h\S+\nExecStart=\/usr\/bin\/env baton run$/m);
  });

  const installed = spawnSync('systemd-analyze', ['--version']).status === 0;
  if (installed) {
    it('holds a unit that systemd takes without a word', () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'baton-unit-'));
      try {
        const unit = /```ini\n([\s\S]*?)```/.exec(readFileSync('docs/DEPLOYMENT.md', 'utf8'))?.[1] ?? '';
        assert.match(unit, /^ExecStart=/m);
        writeFileSync(path.join(folder, 'baton.service'), unit);
        const { status, stdout, stderr } = spawnSync('systemd-analyze', ['--user', 'verify', path.join(folder, 'baton.service')], { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: folder } });
        assert.deepEqual([status, stdout, stderr], [0, '', '']);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
