import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli } from '../../support/cli.ts';
import { makeFolder } from '../../support/folder.ts';
import { MemoryEngine } from '../../support/memoryEngine.ts';
import { makeRepo } from '../../support/repo.ts';

const folder = makeFolder();
after('remove the folder', () => folder.remove());

const installed = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'exit 0'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

async function scriptFor(shell: string): Promise<string> {
  const file = join(folder.root, `baton.${shell}`);
  writeFileSync(file, (await cli(new MemoryEngine(), ['completion', shell])).stdout);
  return file;
}

/** A repository with two tasks whose state is stored, and a file and a folder. */
async function repository(): Promise<string> {
  const { root } = await makeRepo({ 'notes.yaml': 'tasks: []\n', 'docs/x.md': '# x\n' }, join(folder.root, 'repository'));
  mkdirSync(join(root, '.baton/state'), { recursive: true });
  for (const id of ['csv-export', 'csv-import', 'pricing']) writeFileSync(join(root, `.baton/state/${id}.json`), '{}');
  return root;
}

/** For each shell: what it offers at the end of a line, asked as its own completion machinery asks. */
const ASK: Readonly<Record<string, (script: string, line: string, cwd: string) => string[]>> = {
  // What readline does: words split as bash splits them, the completion's function called, COMPREPLY read.
  bash: (script, line, cwd) => {
    const program = `
      source ${JSON.stringify(script)}
      COMP_LINE=$1; COMP_POINT=\${#1}
      mapfile -t COMP_WORDS < <(printf '%s' "$1" | sed -E 's/=/\\n=\\n/g; s/ /\\n/g')
      COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      [[ $1 == *' ' ]] && { COMP_WORDS+=(''); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); }
      spec=$(complete -p baton); fn=\${spec#*-F }; fn=\${fn%% *}
      compopt() { :; }
      "$fn" baton "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(execFileSync('bash', ['--norc', '-c', program, 'bash', line], { cwd, encoding: 'utf8' }));
  },
  // zsh completes in its line editor only: one in a terminal of its own (zpty) gets the line and Tab, and writes down what is added as a match.
  zsh: (script, line, cwd) => {
    const [setup, offers] = [join(folder.root, 'setup.zsh'), join(folder.root, 'offers')];
    writeFileSync(offers, '');
    writeFileSync(
      setup,
      `autoload -Uz compinit; compinit -u -D; source ${JSON.stringify(script)}
      compadd() {
        # With these it only computes for the function that calls it.
        [[ \${(j: :)\${@[1,(i)(-|--)]}} == *'-'[OAD]' '* ]] || {
          local -a hits
          builtin compadd -A hits "$@"
          print -rl -- $hits >> ${JSON.stringify(offers)}
        }
        builtin compadd "$@"
      }
      tell() { print -r -- 'AS''KED' }
      comppostfuncs=(tell)
      print 'REA''DY'`,
    );
    const program = `
      zmodload zsh/zpty
      zpty inner zsh -f -i
      zpty -w inner "source ${setup}"
      zpty -r inner output '*READY*'
      zpty -w -n inner "$1"$'\\t'
      zpty -r inner output '*ASKED*'
      zpty -d inner`;
    execFileSync('zsh', ['-f', '-c', program, 'zsh', line], { cwd, env: { ...process.env, TERM: 'dumb' }, timeout: 60_000 });
    return lines(readFileSync(offers, 'utf8'));
  },
  fish: (script, line, cwd) =>
    lines(execFileSync('fish', ['--no-config', '-c', `source ${script}; complete -C ${JSON.stringify(line)}`], { cwd, encoding: 'utf8' })).map((one) => one.split('\t')[0] ?? ''),
};

const lines = (text: string): string[] => [...new Set(text.split('\n').map((line) => line.trim()).filter((line) => line !== ''))].sort();

describe('baton completion', () => {
  it('refuses a shell it does not know', async () => {
    const { code, stderr } = await cli(new MemoryEngine(), ['completion', 'tcsh']);
    assert.equal(code, 2);
    assert.match(stderr, /bash, zsh, fish/);
  });

  for (const [shell, ask] of Object.entries(ASK).filter(([name]) => installed(name))) {
    describe(`in ${shell}`, function () {
      this.timeout(120_000);
      let script: string;
      let root: string;
      before(async () => {
        [script, root] = await Promise.all([scriptFor(shell), repository()]);
      });
      const offers = (line: string): string[] => ask(script, line, root);

      it('offers the commands, and those that begin as typed', async () => {
        const { stdout } = await cli(new MemoryEngine(), ['--help']);
        const all = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
        const offered = offers('baton ');
        assert.deepEqual(all.filter((name) => !offered.includes(name)), []);
        assert.deepEqual(offers('baton list-t'), ['list-tasks', 'list-templates']);
      });

      it('offers the options of a command, and the words that an option takes', () => {
        assert.deepEqual(offers('baton add --depends-'), ['--depends-on']);
        assert.deepEqual(offers('baton add "Fix it" --risk '), ['high', 'low', 'medium']);
        assert.deepEqual(offers('baton list-tasks --state awaiting_'), ['awaiting_human', 'awaiting_human_review']);
      });

      it('offers the ids of the repository’s tasks where an id belongs', () => {
        assert.deepEqual(offers('baton task csv-'), ['csv-export', 'csv-import']);
        assert.deepEqual(offers('baton add "Fix it" --depends-on p'), ['pricing']);
      });

      it('offers files and folders where they belong', () => {
        assert.deepEqual(offers('baton run --tasks note'), ['notes.yaml']);
        assert.deepEqual(offers('baton queue --cwd do').map((one) => one.replace(/\/$/, '')), ['docs']);
      });
    });
  }
});
