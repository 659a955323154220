import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildCli, cliRepo } from '../../support/cliProcess.ts';
import { tempDir } from '../../support/tmp.ts';

/** Stands in for GitHub's command line: notes how it was called and prints two issues, or one by number. */
function standIn(): { env: Record<string, string>; calls: () => string[] } {
  const bin = path.join(tempDir(), 'bin');
  mkdirSync(bin);
  const log = path.join(bin, 'calls');
  const issues = [12, 14].map((number) => ({ number, title: `Fix number ${number}`, body: 'Please.', labels: [{ name: 'P1' }], url: `https://github.com/o/r/issues/${number}`, author: { login: 'ada' } }));
  const script = `#!${process.execPath}
const fs = require('node:fs');
const args = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(log)}, args.join(' ') + '\\n');
const issues = ${JSON.stringify(issues)};
if (args[1] === 'view') {
  const one = issues.find((issue) => String(issue.number) === args[2]);
  if (!one) { console.error('GraphQL: Could not resolve to an issue'); process.exit(1); }
  console.log(JSON.stringify(one));
} else console.log(JSON.stringify(issues));
`;
  writeFileSync(path.join(bin, 'gh'), script);
  chmodSync(path.join(bin, 'gh'), 0o755);
  return { env: { PATH: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` }, calls: () => readFileSync(log, 'utf8').trim().split('\n') };
}

describe('baton import github on a real repository (row 242)', function () {
  this.timeout(60_000);
  before(buildCli);

  it('queues each open issue once, as a task that asks before it starts', async () => {
    const repo = await cliRepo({});
    const gh = standIn();
    const dry = repo.batonWith(gh.env, 'import', 'github', '--dry-run');
    assert.match(dry.stdout, /^Dry run: Would queue 2 issues\.\n {2}#12 Fix number 12 → fix-number-12\n/);
    assert.deepEqual(JSON.parse(repo.baton('list-tasks', '--json').stdout), { tasks: [] });

    const first = repo.batonWith(gh.env, 'import', 'github', '--label', 'P1');
    assert.match(first.stdout, /^Queued 2 issues\.\n/, first.stderr);
    assert.match(gh.calls().at(-1) ?? '', /^issue list --state open --limit 30 --label P1 --json /);
    const again = JSON.parse(repo.batonWith(gh.env, 'import', 'github', '--json').stdout) as { queued: unknown[]; known: { number: number; why: string }[] };
    assert.deepEqual([again.queued, again.known.map(({ number }) => number)], [[], [12, 14]]);
    assert.match(again.known[0]?.why ?? '', /issues\/12 is task fix-number-12 already/);

    const file = readFileSync(path.join(repo.root, '.baton/tasks/fix-number-12.md'), 'utf8');
    for (const line of ['priority: high', 'requires_approval: true', 'source: https://github.com/o/r/issues/12', '# Fix number 12']) assert.ok(file.includes(line), file);
    const { needs_review, completed } = JSON.parse(repo.baton('run', '--once', '--json').stdout) as { needs_review: number; completed: number };
    assert.deepEqual([needs_review, completed], [2, 0]);
  });

  it('takes single issues by number, and says what gh says', async () => {
    const repo = await cliRepo({});
    const gh = standIn();
    assert.match(repo.batonWith(gh.env, 'import', 'github', '#14', '--trust').stdout, /#14 Fix number 14 → fix-number-14/);
    const wrong = repo.batonWith(gh.env, 'import', 'github', '99');
    assert.deepEqual([wrong.code, wrong.stderr], [1, 'baton: Gh could not read the issues: GraphQL: Could not resolve to an issue. Run "gh issue list" here to see more.\n']);
    assert.equal(repo.batonWith(gh.env, 'import', 'github', 'all').code, 2);
  });
});
