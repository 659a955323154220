/** Running the tools that provide the test parts. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

export function progress(text: string): void {
  process.stderr.write(`[harness] ${text}\n`);
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Completes "Could not …" when the command fails. */
  readonly purpose: string;
  /** What the reader of the error can do. */
  readonly hint?: string;
}

/** Runs a program to its end and returns stdout; the error names the purpose, the command, the end of its output and the hint. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const env = { ...cleanEnv(), ...options.env };
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: options.cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout);
        return;
      }
      const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n');
      const hint = options.hint === undefined ? '' : `\n${options.hint}`;
      reject(new Error(`Could not ${options.purpose}: \`${program} ${args.join(' ')}\` ended with ${String(error.code ?? error.signal)}.\n${tail}${hint}`));
    });
  });
}

/** Runs npm with the Node of this process, whichever way this process was started. */
export function npm(args: readonly string[], options: RunOptions): Promise<string> {
  const hint = 'The npm registry must be reachable; `npm ping` tells.';
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const cli = process.env['npm_execpath'];
  if (cli?.endsWith('.js') === true) return run(process.execPath, [cli, ...args, ...quiet], { hint, ...options });
  return run('npm', [...args, ...quiet], { hint, ...options });
}

/** Absolute path of the first of the named programs on PATH. */
export function which(...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const dir of (process.env['PATH'] ?? '').split(path.delimiter)) {
      const file = path.join(dir, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here: look further.
      }
    }
  }
  return undefined;
}

/**
 * This process's environment without what an npm script adds for itself: inside another package, npm would take it for
 * configuration. Where to find registry, cache and configuration files stays. Our Node comes first on PATH.
 */
export function cleanEnv(): Record<string, string> {
  const keep = /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile|strict_ssl|prefer_offline|.*:_auth.*)$/i;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || (/^npm_/i.test(name) && !keep.test(name)) || name === 'NODE_OPTIONS') continue;
    env[name] = value;
  }
  env['PATH'] = [path.dirname(process.execPath), process.env['PATH'] ?? ''].join(path.delimiter);
  return env;
}
