/** The `baton` command: which commands there are, their common options, and the one place where errors become words. */
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { activeCommand } from './active.ts';
import { addCommand } from './add.ts';
import { cleanStateCommand } from './cleanState.ts';
import { completionCommand } from './completion.ts';
import type { Bind, Context, Outcome } from './context.ts';
import { dashboardCommand } from './dashboard.ts';
import { deleteCommand } from './delete.ts';
import { doctorCommand } from './doctor.ts';
import { editCommand } from './edit.ts';
import { describeError, type CliFailure } from './failure.ts';
import { healthCommand } from './health.ts';
import { importCommand } from './import.ts';
import { initCommand } from './init.ts';
import type { CliDeps, CliIo } from './io.ts';
import { listSchedulesCommand } from './listSchedules.ts';
import { listTasksCommand } from './listTasks.ts';
import { listTemplatesCommand } from './listTemplates.ts';
import { messageCommand } from './message.ts';
import { metricsCommand } from './metrics.ts';
import { pauseCommand } from './pause.ts';
import { queueCommand } from './queue.ts';
import { reportCommand } from './report.ts';
import { resumeCommand } from './resume.ts';
import { reviewCommand } from './review.ts';
import { runCommand } from './run.ts';
import { searchCommand } from './search.ts';
import { stopCommand } from './stop.ts';
import { createStyle, wantsColour } from './style.ts';
import { summaryCommand } from './summary.ts';
import { handBackCommand, takeOverCommand } from './takeOver.ts';
import { taskCommand } from './task.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

interface CommonOptions {
  json?: true;
  cwd?: string;
  dryRun?: true;
}

const COMMANDS = [
  initCommand,
  doctorCommand,
  addCommand,
  importCommand,
  runCommand,
  dashboardCommand,
  queueCommand,
  activeCommand,
  listTasksCommand,
  listTemplatesCommand,
  listSchedulesCommand,
  taskCommand,
  reviewCommand,
  summaryCommand,
  metricsCommand,
  healthCommand,
  reportCommand,
  searchCommand,
  messageCommand,
  takeOverCommand,
  handBackCommand,
  pauseCommand,
  resumeCommand,
  stopCommand,
  editCommand,
  deleteCommand,
  cleanStateCommand,
  completionCommand,
];

/**
 * Runs one command line (without the program's name) and returns the exit code: 0 done, 1 failed, 2 wrong use.
 * Never rejects; what went wrong is one line on stderr, or the error document on stdout with `--json`.
 */
export async function runCli(argv: readonly string[], io: CliIo, deps: CliDeps): Promise<number> {
  let code: number = EXIT.ok;
  /** What the command that is at work says of wrong use. */
  let usageCode: number = EXIT.usage;
  /** The command whose help says what was used wrongly. */
  let atFault = 'baton';
  const usageCodes = new Map<Command, number>();
  const fail = (failure: CliFailure, json: boolean): number => {
    if (json) io.stdout.write(`${JSON.stringify(failure.document, null, 2)}\n`);
    else io.stderr.write(`baton: ${failure.line}\n`);
    return failure.usage ? usageCode : EXIT.failed;
  };

  const bind: Bind = (command, handler, traits = {}) => {
    command.option('--json', 'print one JSON document and nothing else').option('--cwd <folder>', 'work on the repository of this folder');
    usageCodes.set(command, traits.usageCode ?? EXIT.usage);
    if (traits.changes === true) command.option('--dry-run', 'say what would happen and change nothing');
    command.action(async () => {
      usageCode = usageCodes.get(command) ?? EXIT.usage;
      const options = command.optsWithGlobals<CommonOptions>();
      const context = createContext(io, deps, options);
      try {
        if (context.dryRun && traits.changes !== true) {
          throw new CommanderError(EXIT.usage, 'baton.dryRun', `"${command.name()}" changes nothing, so it has no --dry-run.`);
        }
        const outcome: Outcome = await handler(context, command.args);
        if (context.json && outcome.document !== undefined) io.stdout.write(`${JSON.stringify(outcome.document, null, 2)}\n`);
        else if (!context.json && outcome.lines.length > 0) io.stdout.write(`${outcome.lines.join('\n')}\n`);
        code = outcome.code ?? EXIT.ok;
      } catch (error) {
        code = fail(describeError(error, io.env, `baton ${command.name()}`), context.json);
      }
    });
    return command;
  };

  const said = { error: '' };
  const program = new Command('baton')
    .description('Queue tasks, and coding agents work them off in their own git worktrees.')
    .version(deps.batonVersion, '-V, --version', 'print the version')
    .option('--json', 'print one JSON document and nothing else')
    .option('--cwd <folder>', 'work on the repository of this folder')
    .option('--dry-run', 'say what would happen and change nothing')
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong use. "baton <command> --help" says more about a command.');
  for (const make of COMMANDS) program.addCommand(make(bind));
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride((error) => {
        usageCode = usageCodes.get(command) ?? EXIT.usage;
        atFault = command === program ? 'baton' : `baton ${command.name()}`;
        throw error;
      })
      .configureOutput({
        writeOut: (text) => io.stdout.write(text),
        writeErr: (text) => {
          said.error += text;
        },
        getOutHelpWidth: () => io.columns(),
        getErrHelpWidth: () => io.columns(),
      });
  }

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(describeError(error, io.env), argv.includes('--json'));
    if (error.exitCode === 0) return EXIT.ok;
    // `baton` alone: the help is the answer, but nothing was done.
    if (error.code === 'commander.help') {
      io.stderr.write(said.error);
      return EXIT.usage;
    }
    return fail(describeError(error, io.env, atFault), argv.includes('--json'));
  }
  return code;
}

function createContext(io: CliIo, deps: CliDeps, options: CommonOptions): Context {
  const json = options.json === true;
  const folder = path.resolve(io.cwd, options.cwd ?? '.');
  return {
    io,
    deps,
    json,
    dryRun: options.dryRun === true,
    folder,
    style: createStyle(!json && wantsColour(io.isTTY, io.env)),
    use: async (how, body) => {
      const session = await deps.connect({ folder, ...how });
      try {
        return await body(session);
      } finally {
        await session.close();
      }
    },
  };
}
