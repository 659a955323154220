/**
 * `npm start`: builds Baton, makes the sample repository and opens VS Code on it.
 * `npm start -- --headless` works the sample off with the command line instead.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { which } from '../test/support/vscode/tools.ts';
import { makeSample } from './sample.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const CLI = path.join(PROJECT, 'dist/cli.js');

const HELP = `npm start -- [options]

Builds Baton, makes a sample repository (a small JavaScript library with six queued tasks) and opens VS Code on it.

  --headless       work the sample off in this terminal instead: baton run --once
  --dir FOLDER     where the sample goes (default: .vscode-test/sample, which git ignores)
  --fresh          throw an earlier sample away and start over
  --agent NAME     who does the tasks: scripted (default), or a coding CLI that is installed, such as claude
  --no-build       use dist/ as it is
`;

function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}

function build(): void {
  say('Building Baton into dist/ …');
  const { status } = spawnSync(process.execPath, ['esbuild.js'], { cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('The build failed; what is wrong is shown above.');
}

/** Runs the built command line on the sample; its output goes to the terminal unless it is asked for. */
function baton(dir: string, ...args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    // Ctrl-C reaches the child by itself: it belongs to the same terminal.
    const ignore = () => undefined;
    process.on('SIGINT', ignore);
    spawn(process.execPath, [CLI, ...args, '--cwd', dir], { stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => {
        process.off('SIGINT', ignore);
        resolve(code ?? 1);
      });
  });
}

interface ReviewList {
  readonly tasks: readonly { readonly id: string; readonly decisions: readonly { readonly kind: string; readonly question: string }[] }[];
}

function waiting(dir: string): ReviewList['tasks'] {
  const { stdout } = spawnSync(process.execPath, [CLI, 'review', '--json', '--cwd', dir], { encoding: 'utf8' });
  try {
    return (JSON.parse(stdout) as ReviewList).tasks;
  } catch {
    return [];
  }
}

async function headless(dir: string): Promise<number> {
  say('', `Working the queue off: baton run --once --cwd ${shown(dir)}`, '');
  const code = await baton(dir, 'run', '--once');
  const tasks = waiting(dir);
  // The project's own Node: the one of the user's shell may be too old.
  const command = `npx node ${shown(CLI)}`;
  if (tasks.length > 0) {
    say('', 'Nothing landed on your branch without you. To answer what waits, type:');
    for (const task of tasks) {
      for (const { kind, question } of task.decisions) say(`  ${command} task ${task.id} --approve --cwd ${shown(dir)}   # ${kind}: ${question}`);
    }
    say('(--reject and --request-changes "…" are the other answers.)', `To see a change before: git -C ${shown(dir)} diff main...baton/<task>`);
    say('Then go on with what waited for it:', `  ${command} run --once --cwd ${shown(dir)}`);
  } else {
    say('', `Nothing waits for you. Start over with: npm start -- --headless --fresh`);
  }
  return code;
}

/** A path as it is typed: relative where that is shorter, quoted where it must be. */
function shown(file: string): string {
  const relative = path.relative(process.cwd(), file);
  const short = relative !== '' && relative.length < file.length && !relative.startsWith('..') ? relative : file;
  return /[\s"'$&()]/.test(short) ? JSON.stringify(short) : short;
}

function offerAgents(agent: string | undefined): void {
  if (agent !== undefined && agent !== 'scripted') {
    say(`The tasks are done by ${agent}. It uses your own sign-in and costs what it costs; --agent scripted switches back.`);
    return;
  }
  say('The tasks are done by scripted agents (sample/agents) that really edit the code.');
  const windows = process.platform === 'win32' ? ['.cmd', '.exe'] : [''];
  const found = ['claude', 'codex', 'gemini'].filter((name) => which(...windows.map((suffix) => name + suffix)) !== undefined);
  for (const name of found) say(`${name} is installed here: "npm start -- --fresh --agent ${name}" lets it do them.`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      headless: { type: 'boolean', default: false },
      dir: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      agent: { type: 'string' },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    say(HELP);
    return 0;
  }
  if (!values['no-build'] || !existsSync(CLI)) build();
  const dir = path.resolve(values.dir ?? path.join(PROJECT, '.vscode-test/sample'));
  const { created } = await makeSample({ dir, project: PROJECT, fresh: values.fresh, ...(values.agent === undefined ? {} : { agent: values.agent }) });
  say(created ? `Made a sample repository in ${shown(dir)}: the library "till" with six tasks.` : `Going on with the sample in ${shown(dir)}; --fresh makes a new one.`);
  offerAgents(values.agent);
  if (values.headless) return headless(dir);
  const { openWindow } = await import('./window.ts');
  return openWindow({ dir, project: PROJECT, say });
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm start: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
